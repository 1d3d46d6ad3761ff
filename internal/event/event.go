package event

import (
	"log/slog"
	"reflect"
	"strings"
	"time"
)

// Event is something that happened. Implementations are plain structs of this
// package whose exported fields carry json tags; nothing else may implement it,
// because the wire form, the attributes and the tables are derived from those.
type Event interface {
	// Kind is the stable snake_case name: metric label, journal key, pager rule.
	Kind() string
}

// Subjecter is implemented by an event that is about one thing among several
// of its sort (a log, a probe, a member). The subject is part of the identity
// of the incident that the event opens or ends.
type Subjecter interface {
	// Subject names the thing, such as the log "stderr" or the probe "home".
	Subject() string
}

// Sink takes events. The supervisor's process has a [Hub]; the proxy's process
// has a [Writer] to its parent; tests have a [Recorder].
type Sink interface {
	// Emit records the event. It does not block and does not fail.
	Emit(Event)
}

// Discard is a Sink that forgets everything.
type Discard struct{}

// Emit does nothing.
func (Discard) Emit(Event) {}

// Severity says how much an event matters to a person.
type Severity int

// The severities, in rising order.
const (
	Info     Severity = iota // told for the record
	Warning                  // worth a look in working hours
	Urgent                   // a person must act soon
	Critical                 // service is down or about to be
)

// String returns info, warning, urgent or critical.
func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Urgent:
		return "urgent"
	case Critical:
		return "critical"
	default:
		return "info"
	}
}

// Level maps the severity to a log level; Urgent and Critical are both errors.
func (s Severity) Level() slog.Level {
	switch s {
	case Warning:
		return slog.LevelWarn
	case Urgent, Critical:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// SeverityOf returns the declared severity; an undeclared kind is a Warning,
// so that a forgotten declaration is seen rather than lost.
func SeverityOf(e Event) Severity {
	if d, ok := Lookup(e.Kind()); ok {
		return d.Severity
	}
	return Warning
}

// SubjectOf returns the event's subject, or "" where it has none.
func SubjectOf(e Event) string {
	if s, ok := e.(Subjecter); ok {
		return s.Subject()
	}
	return ""
}

// Attrs returns the event's facts in field order, named by their json tags.
// Empty fields whose tag says omitempty are left out. It reflects: events are
// rare.
func Attrs(e Event) []slog.Attr {
	v := reflect.Indirect(reflect.ValueOf(e))
	t := v.Type()
	out := make([]slog.Attr, 0, t.NumField())
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		f := v.Field(i)
		if strings.Contains(opts, "omitempty") && f.IsZero() {
			continue
		}
		out = append(out, slog.Any(name, f.Interface()))
	}
	return out
}

// Record is an event with its place on the timeline.
type Record struct {
	Seq   uint64    // 1 for the first event of this process; never repeats
	Time  time.Time // when Emit was called
	Event Event
}
