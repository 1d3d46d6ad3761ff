package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

// condition is a valid ConditionConfig, ready to be judged.
type condition struct {
	name, metric, path, op string
	unit                   unit
	limit, clear           float64
	hold                   time.Duration
	action                 Action
}

// presets are the conditions that hold without being asked for.
func presets() []ConditionConfig {
	return []ConditionConfig{
		{Name: "fd_share", Metric: "child.fd_share", Op: ">", Value: "90%", For: config.Duration(10 * time.Second), Action: Page},
		{Name: "swap_in", Metric: "host.swap_in", Op: ">", Value: "1MiB/s", For: config.Duration(30 * time.Second), Action: Page},
	}
}

// conditions returns those of a valid configuration, presets first.
func (c Config) conditions() []condition {
	var all []condition
	own := func(name string) bool {
		return slices.ContainsFunc(c.Conditions, func(o ConditionConfig) bool { return o.name() == name })
	}
	if c.Presets {
		for _, p := range presets() {
			if !own(p.Name) {
				all = append(all, p.condition())
			}
		}
	}
	for _, o := range c.Conditions {
		all = append(all, o.condition())
	}
	return all
}

// paths are the folders whose file systems are read.
func (c Config) paths() []string {
	all := slices.Clone(c.Disks)
	for _, o := range c.Conditions {
		if o.Path != "" {
			all = append(all, o.Path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c ConditionConfig) name() string { return or(c.Name, c.Metric) }

func (c ConditionConfig) condition() condition {
	preset := config.Default[ConditionConfig]()
	u, _ := unitOf(c.Metric)
	out := condition{name: c.name(), metric: c.Metric, path: c.Path, op: or(c.Op, preset.Op), unit: u,
		hold: c.For.Std(), action: or(c.Action, preset.Action)}
	out.limit, _ = parseValue(out.unit, c.Value)
	switch {
	case c.Clear != "":
		out.clear, _ = parseValue(out.unit, c.Clear)
	case strings.HasPrefix(out.op, ">"):
		out.clear = out.limit * 0.9
	default:
		out.clear = out.limit * 1.1
	}
	return out
}

func (c ConditionConfig) validate() error {
	var p config.Problems
	u, ok := unitOf(c.Metric)
	if !ok {
		p.Add("metric", "%s", unknownMetric(c.Metric))
		return p.Err()
	}
	if !slices.Contains([]string{"", ">", "<", ">=", "<="}, c.Op) {
		p.Add("op", "%q is not >, <, >= or <=", c.Op)
	}
	if c.Action != "" && c.Action != Page && c.Action != Restart {
		p.Add("action", "%q is not page or restart", c.Action)
	}
	if c.Path != "" && !strings.HasPrefix(c.Metric, "disk.") {
		p.Add("path", "%s is not about a folder", c.Metric)
	}
	if c.For < 0 {
		p.Add("for", "%s is below 0", c.For)
	}
	limit, err := parseValue(u, c.Value)
	if err != nil {
		p.Add("value", "%v", err)
	}
	if c.Clear != "" && err == nil {
		clear, err := parseValue(u, c.Clear)
		above := !strings.HasPrefix(c.Op, "<")
		switch {
		case err != nil:
			p.Add("clear", "%v", err)
		case above && clear > limit, !above && clear < limit:
			p.Add("clear", "%s is on the wrong side of the value %s", c.Clear, c.Value)
		}
	}
	return p.Err()
}

func unknownMetric(name string) string {
	if name == "" {
		return "a condition needs one of " + strings.Join(metricNames(), ", ")
	}
	if near := config.Nearest(name, metricNames()); near != "" {
		return fmt.Sprintf("%q is not known; did you mean %s?", name, near)
	}
	return fmt.Sprintf("%q is not one of %s", name, strings.Join(metricNames(), ", "))
}

// holds reports whether the value is past the limit.
func (c condition) holds(v float64) bool { return compare(c.op, v, c.limit) }

// over reports whether the value is back where the condition clears: on the
// safe side of clear, or at it.
func (c condition) over(v float64) bool {
	if c.holds(v) {
		return false
	}
	return v == c.clear || !compare(c.op, v, c.clear)
}

func compare(op string, v, limit float64) bool {
	switch op {
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case ">=":
		return v >= limit
	default:
		return v > limit
	}
}

// evaluator is what is remembered of a condition from reading to reading.
type evaluator struct {
	raised bool
	since  time.Time // when it was raised
	from   time.Time // since when all readings say that raised should change; zero for not
}

// change is what a reading did to a condition.
type change int

const (
	unchanged change = iota
	raised
	cleared
)

// next judges one reading taken at now. known is false where there was none:
// that proves nothing, and so begins the waiting anew. It changes nothing.
func (c condition) next(e evaluator, now time.Time, v float64, known bool) (evaluator, change) {
	turns := known && (!e.raised && c.holds(v) || e.raised && c.over(v))
	if !turns {
		e.from = time.Time{}
		return e, unchanged
	}
	if e.from.IsZero() {
		e.from = now
	}
	if now.Sub(e.from) < c.hold {
		return e, unchanged
	}
	if e.raised {
		return evaluator{}, cleared
	}
	return evaluator{raised: true, since: now}, raised
}

// ofLife reports whether what was seen of it ends with the life.
func (c condition) ofLife() bool {
	return c.action == Restart || strings.HasPrefix(c.metric, "child.") || strings.HasPrefix(c.metric, "requests.")
}
