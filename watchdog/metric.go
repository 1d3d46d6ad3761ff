package watchdog

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/reeveproxy/reeve/internal/config"
)

// unit is the notation of a metric's values.
type unit int

const (
	number  unit = iota // 12, 1.5
	bytes               // 200MiB
	rate                // 1MiB/s
	percent             // 80%
)

// metrics are the figures that a condition can watch, by name.
func metrics() []struct {
	name string
	unit unit
} {
	return []struct {
		name string
		unit unit
	}{
		{"child.rss", bytes},
		{"child.cpu", percent}, // of one core
		{"child.threads", number},
		{"child.processes", number},
		{"child.fds", number},
		{"child.fd_share", percent},
		{"host.mem_available", bytes},
		{"host.mem_available_share", percent},
		{"host.swap_in", rate},
		{"host.load", number},
		{"disk.free", bytes},
		{"disk.used_share", percent},
		{"requests.in_flight", number},
		{"restarts", number}, // in the last hour
	}
}

func unitOf(metric string) (u unit, ok bool) {
	for _, m := range metrics() {
		if m.name == metric {
			return m.unit, true
		}
	}
	return number, false
}

func metricNames() []string {
	var all []string
	for _, m := range metrics() {
		all = append(all, m.name)
	}
	return all
}

// parseValue reads a value in the unit's notation. A plain number is taken in
// bytes, bytes a second, percent or pieces.
func parseValue(u unit, text string) (float64, error) {
	in := strings.TrimSpace(text)
	switch u {
	case bytes, rate:
		if u == rate {
			in = strings.TrimSuffix(in, "/s")
		}
		var s config.Size
		if err := s.UnmarshalText([]byte(in)); err != nil || in == "" {
			return 0, fmt.Errorf("%q is not %s", text, u.example())
		}
		return float64(s), nil
	case percent:
		in = strings.TrimSpace(strings.TrimSuffix(in, "%"))
	}
	v, err := strconv.ParseFloat(in, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return 0, fmt.Errorf("%q is not %s", text, u.example())
	}
	return v, nil
}

func (u unit) example() string {
	switch u {
	case bytes:
		return "a size like 200MiB"
	case rate:
		return "a rate like 1MiB/s"
	case percent:
		return "a share like 80%"
	}
	return "a number from 0, like 12 or 1.5"
}

// format prints a figure for people.
func (u unit) format(v float64) string {
	switch u {
	case bytes, rate:
		text := strconv.FormatFloat(v, 'f', 0, 64) + "B"
		for _, s := range []struct {
			name string
			n    float64
		}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
			if v >= s.n {
				text = strconv.FormatFloat(math.Round(v/s.n*10)/10, 'f', -1, 64) + s.name
				break
			}
		}
		if u == rate {
			text += "/s"
		}
		return text
	}
	text := strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	if u == percent {
		text += "%"
	}
	return text
}

// figures are what a condition is judged by.
type figures struct {
	usage    Usage
	inFlight float64
	counted  bool // inFlight is known
	restarts float64
}

// figure returns a metric's value; ok is false where it could not be read.
func (f figures) figure(metric, path string) (value float64, ok bool) {
	u := f.usage
	switch metric {
	case "child.rss":
		return float64(u.RSS), u.Processes > 0
	case "child.cpu":
		return u.CPU, u.Processes > 0
	case "child.threads":
		return float64(u.Threads), u.Processes > 0
	case "child.processes":
		return float64(u.Processes), u.Processes > 0
	case "child.fds":
		return float64(u.FDs), u.Processes > 0
	case "child.fd_share":
		return u.FDShare, u.Processes > 0
	case "host.mem_available":
		return float64(u.MemAvailable), u.MemTotal > 0
	case "host.mem_available_share":
		return 100 * float64(u.MemAvailable) / max(1, float64(u.MemTotal)), u.MemTotal > 0
	case "host.swap_in":
		return u.SwapIn, u.MemTotal > 0
	case "host.load":
		return u.Load, u.MemTotal > 0
	case "disk.free", "disk.used_share":
		return u.disk(metric, path)
	case "requests.in_flight":
		return f.inFlight, f.counted
	case "restarts":
		return f.restarts, true
	}
	return 0, false
}

// disk is the figure of one file system, or the worst of all for no path.
func (u Usage) disk(metric, path string) (value float64, ok bool) {
	for _, d := range u.Disks {
		if path != "" && d.Path != path {
			continue
		}
		switch {
		case metric == "disk.used_share" && (!ok || d.Used > value):
			value = d.Used
		case metric == "disk.free" && (!ok || float64(d.Free) < value):
			value = float64(d.Free)
		}
		ok = true
	}
	return value, ok
}
