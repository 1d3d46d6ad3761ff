package supervisor

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxNotify is the longest datagram that is read; systemd's own limit is the
// page size.
const maxNotify = 4096

// maxStatus is the number of bytes kept of a STATUS= text.
const maxStatus = 512

// notice is what one datagram on the notify socket says.
type notice struct {
	ready     bool
	stopping  bool
	reloading bool
	beat      bool          // WATCHDOG=1
	trigger   bool          // WATCHDOG=trigger
	barrier   bool          // BARRIER=1: a descriptor to close came along
	extend    time.Duration // EXTEND_TIMEOUT_USEC; 0 where absent
	status    string
	hasStatus bool // STATUS= may be empty
}

// parseNotice reads the lines of a datagram. Unknown and broken lines say
// nothing, as the protocol asks; ok is false where no line was a variable at
// all.
func parseNotice(text []byte) (n notice, ok bool) {
	for line := range strings.Lines(string(text)) {
		name, value, isVar := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !isVar || name == "" {
			continue
		}
		ok = true
		switch name {
		case "READY":
			n.ready = n.ready || value == "1"
		case "STOPPING":
			n.stopping = n.stopping || value == "1"
		case "RELOADING":
			n.reloading = n.reloading || value == "1"
		case "BARRIER":
			n.barrier = n.barrier || value == "1"
		case "WATCHDOG":
			n.beat = n.beat || value == "1"
			n.trigger = n.trigger || value == "trigger"
		case "EXTEND_TIMEOUT_USEC":
			n.extend = microseconds(value)
		case "STATUS":
			n.status, n.hasStatus = cleanStatus(value), true
		}
	}
	return n, ok
}

// microseconds reads a whole number; 0 for what is none or would not fit.
func microseconds(value string) time.Duration {
	us, err := strconv.ParseInt(value, 10, 64)
	if err != nil || us < 0 || us > int64(24*365*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

// cleanStatus makes a foreign text safe to show: valid, bounded, one line, and
// without characters that would command a terminal.
func cleanStatus(value string) string {
	value = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
	if len(value) <= maxStatus {
		return value
	}
	cut := maxStatus
	for !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut]
}

// heard acts, on the loop, on what the current life says.
func (s *Supervisor) heard(n notice) {
	l := s.life
	if n.hasStatus {
		l.text = n.status
	}
	if n.extend > 0 {
		s.extend(n.extend)
	}
	if n.ready {
		s.markReady("notify")
	}
	if n.beat || n.ready {
		l.beat()
	}
	if n.stopping && l.ready {
		l.unready = "the child said STOPPING=1"
		s.step(unready)
	}
	if n.trigger {
		s.condemn("notify_watchdog", errTriggered.Error())
	}
}
