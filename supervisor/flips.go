package supervisor

import (
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// flipBurst is the number of changes of readiness that a life is told of at
	// once, and flipPause the time in which it is granted one more.
	flipBurst = 10
	flipPause = time.Second
)

// flips bounds the events about the readiness of one life: a child may change
// it as often as it can send. Status does not go through here and stays exact.
type flips struct {
	told    bool // readiness as it was told last
	untold  int  // changes since then
	waiting bool // somebody will come back to tell

	spent int       // of the burst
	since time.Time // from when on the spent ones come back, one by one
}

// take grants one event, or says how long to wait for it.
func (f *flips) take(now time.Time) (wait time.Duration) {
	back := int(now.Sub(f.since) / flipPause)
	if back >= f.spent {
		f.spent, f.since = 0, now
	} else {
		f.spent, f.since = f.spent-back, f.since.Add(time.Duration(back)*flipPause)
	}
	if f.spent >= flipBurst {
		return f.since.Add(flipPause).Sub(now)
	}
	f.spent++
	return 0
}

// flipped tells that the life's readiness has changed: at once, or later and
// with all that has changed until then.
func (s *Supervisor) flipped() {
	s.life.flips.untold++
	if !s.life.flips.waiting {
		s.tellReadiness()
	}
}

// tellReadiness tells the readiness as it is now, unless it is what was told.
// An end of the life outweighs it, and is told by itself.
func (s *Supervisor) tellReadiness() {
	l, f := s.life, &s.life.flips
	f.waiting = false
	if s.at.state != Running || l.ready == f.told {
		return
	}
	if wait := f.take(time.Now()); wait > 0 {
		f.waiting = true
		l.helpers.Go(func() {
			if sleep(l.ctx, wait) {
				s.about(l.Number, s.tellReadiness)
			}
		})
		return
	}
	untold := f.untold - 1
	f.told, f.untold = l.ready, 0
	if l.ready {
		s.events.Emit(event.ChildReady{Life: l.Number, PID: l.PID, After: l.readyAt.Sub(l.Started), By: l.readyBy, Untold: untold})
	} else {
		s.events.Emit(event.ChildUnready{Life: l.Number, Reason: l.unready, Untold: untold})
	}
}
