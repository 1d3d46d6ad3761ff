package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// guardPause is the time before a guard that panicked is started again.
	guardPause = time.Second
	// guardGrace is how long the end of a life waits for its guards. One that
	// overstays is told and left behind, so that it cannot stop a restart.
	guardGrace = 5 * time.Second
)

// errTriggered: the child itself asked to be condemned.
var errTriggered = errors.New("the child sent WATCHDOG=trigger")

func (s *Supervisor) startGuards() {
	l := s.life
	guards := s.opts.Guards
	if s.opts.ReadyBy == ReadyByUptime {
		guards = append(guards[:len(guards):len(guards)], Guard{Name: "uptime", Watch: s.awaitUptime})
	}
	if s.cfg.Watchdog > 0 {
		guards = append(guards[:len(guards):len(guards)], Guard{Name: "notify_watchdog", Watch: l.awaitBeats(s.cfg.Watchdog.Std())})
	}
	for _, g := range guards {
		l.helpers.Go(func() { s.guard(l, g) })
	}
	if s.opts.AfterExec != nil {
		l.helpers.Go(func() {
			s.contained("after_exec", func() { s.opts.AfterExec(l.Life) })
		})
	}
}

// guard runs one guard beside one life, as often as it panics.
func (s *Supervisor) guard(l *living, g Guard) {
	for l.ctx.Err() == nil {
		var err error
		p := recovered(func() { err = g.Watch(l.ctx, l.Life) })
		if p == "" {
			if err != nil && l.ctx.Err() == nil {
				s.about(l.Number, func() { s.condemn(g.Name, err.Error()) })
			}
			return
		}
		s.events.Emit(event.GuardPanicked{Guard: g.Name, Value: p})
		sleep(l.ctx, guardPause)
	}
}

func (s *Supervisor) awaitUptime(ctx context.Context, l Life) error {
	if sleep(ctx, s.cfg.ReadyAfter.Std()) {
		s.MarkReady(l.Number, "uptime")
	}
	return nil
}

// awaitBeats condemns a life that was ready and stops sending WATCHDOG=1.
func (l *living) awaitBeats(limit time.Duration) func(context.Context, Life) error {
	return func(ctx context.Context, _ Life) error {
		select {
		case <-l.beats: // the first one is its readiness
		case <-ctx.Done():
			return nil
		}
		t := time.NewTimer(limit)
		defer t.Stop()
		for {
			select {
			case <-l.beats:
				t.Reset(limit)
			case <-t.C:
				return fmt.Errorf("no WATCHDOG=1 for %s", limit)
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// contained calls f and tells of its panic, which ends there.
func (s *Supervisor) contained(name string, f func()) {
	if text := recovered(f); text != "" {
		s.events.Emit(event.GuardPanicked{Guard: name, Value: text})
	}
}

// recovered calls f and returns the text of its panic, or "".
func recovered(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
			if text == "" {
				text = "panic"
			}
		}
	}()
	f()
	return ""
}

// sleep returns true after d, and false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
