package runaway

import (
	"strings"
	"time"
)

// step is what is done about a request.
type step int

const (
	warn    step = iota // tell, once
	kill                // ask its server to end it, at every look until it goes
	condemn             // its server does not: the life must end
)

func (s step) String() string { return [...]string{"warn", "kill", "condemn"}[s] }

type action struct {
	step  step
	r     Request
	fault error // condemn: why the last kill could not be sent
}

// mark is what is remembered of a request from look to look.
type mark struct {
	warned bool
	killed bool
	at     time.Time // of the first kill that was tried
	told   bool      // a kill was sent, and the event of it
	fault  error     // why the last kill could not be sent
}

// memory holds the marks of requests that were in the last snapshot.
type memory map[uint64]mark

// decide says what to do about a snapshot taken at now, and what to remember.
// It changes nothing.
func decide(c Config, now time.Time, seen []Request, old memory) ([]action, memory) {
	var todo []action
	next := memory{}
	for _, r := range seen {
		if exempt(c.Exempt, r.Path) {
			continue
		}
		m, timeout := old[r.ID], c.Timeout.Std()
		switch {
		case r.Age > timeout && !m.killed:
			m.killed, m.warned, m.at = true, true, now
			todo = append(todo, action{step: kill, r: r})
		case r.Age > timeout && c.DryRun: // told once
		case r.Age > timeout && now.Sub(m.at) >= c.Grace.Std():
			todo = append(todo, action{condemn, r, m.fault})
		case r.Age > timeout:
			todo = append(todo, action{step: kill, r: r})
		case c.Warn > 0 && !m.warned && float64(r.Age) > c.Warn*float64(timeout):
			m.warned = true
			todo = append(todo, action{step: warn, r: r})
		}
		if m.warned {
			next[r.ID] = m
		}
	}
	return todo, next
}

// exempt reports whether the path lies under one of the prefixes, which end at
// a slash or a whole segment: "/events" covers "/events/7", not "/eventsource".
func exempt(prefixes []string, path string) bool {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(p, "/")) {
			return true
		}
	}
	return false
}
