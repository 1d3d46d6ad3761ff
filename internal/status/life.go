package status

import (
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// The states of a Life.
const (
	StateNone     = "none"     // before the first launch
	StateStarting = "starting" // runs, not ready yet
	StateReady    = "ready"
	StateUnready  = "unready" // runs, and was ready or was condemned
	StateStopping = "stopping"
	StateDown     = "down" // ended, or could not be launched
	StateBackoff  = "backoff"
	StateResting  = "resting"
	StateGivenUp  = "given_up"
)

// Life is what is known of the child.
type Life struct {
	Number   uint64    `json:"number"`         // 0 before the first launch
	PID      int       `json:"pid"`            // 0 while none runs
	State    string    `json:"state"`          // one of the State constants
	Since    time.Time `json:"since,omitzero"` // of State
	Launched time.Time `json:"launched,omitzero"`
	Program  string    `json:"program,omitempty"`
	Restarts uint64    `json:"restarts"`         // launches after the first that this fold saw
	Reason   string    `json:"reason,omitempty"` // of State
}

func (l Life) state() string {
	if l.State == "" {
		return StateNone
	}
	return l.State
}

// next is the life after the record. What is told of an earlier life changes
// nothing.
func (l Life) next(rec event.Record) Life {
	switch e := rec.Event.(type) {
	case event.ChildLaunched:
		if l.Number > 0 {
			l.Restarts++
		}
		l.Number, l.PID, l.Program, l.Launched = e.Life, e.PID, e.Program, rec.Time
		return l.to(StateStarting, rec.Time, "")
	case event.ChildLaunchFailed:
		return l.ended(rec.Time, e.Error)
	case event.ChildBackedOff:
		return l.to(StateBackoff, rec.Time, fmt.Sprintf("%d failures in a row, next life in %s", e.Failures, e.Wait))
	case event.ChildRested:
		return l.to(StateResting, rec.Time, fmt.Sprintf("%d failures, next life in %s; last: %s", e.Failures, e.Wait, e.Last))
	case event.ChildGivenUp:
		return l.to(StateGivenUp, rec.Time, fmt.Sprintf("%d failures; last: %s", e.Failures, e.Last))
	default:
		return l.during(rec)
	}
}

// during is next for the events of a life that runs.
func (l Life) during(rec event.Record) Life {
	switch e := rec.Event.(type) {
	case event.ChildReady:
		if e.Life == l.Number && (l.State == StateStarting || l.State == StateUnready) {
			return l.to(StateReady, rec.Time, "")
		}
	case event.ChildUnready:
		if e.Life == l.Number && l.State != StateStopping {
			return l.to(StateUnready, rec.Time, e.Reason)
		}
	case event.ChildCondemned:
		if e.Life == l.Number {
			return l.to(StateUnready, rec.Time, "condemned by "+e.Guard+": "+e.Reason)
		}
	case event.ChildStopping:
		if e.Life == l.Number {
			return l.to(StateStopping, rec.Time, string(e.Cause))
		}
	case event.ChildStopped:
		if e.Life == l.Number {
			return l.ended(rec.Time, e.Status)
		}
	case event.ChildDied:
		if e.Life == l.Number {
			return l.ended(rec.Time, e.Status)
		}
	}
	return l
}

func (l Life) to(state string, at time.Time, reason string) Life {
	if l.State != state {
		l.Since = at
	}
	l.State, l.Reason = state, reason
	return l
}

func (l Life) ended(at time.Time, reason string) Life {
	l.PID = 0
	return l.to(StateDown, at, reason)
}
