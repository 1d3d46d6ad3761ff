package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// killAgain is the time after which KILL is sent once more to a process that
// does not go: it is stuck in the kernel, and may get out.
const killAgain = 5 * time.Second

// Run supervises until Stop, the end of ctx (which stops like Stop) or the end
// of the budget. It returns nil after an asked-for stop and *Ended otherwise,
// when everything it started has ended. It can be called once.
func (s *Supervisor) Run(ctx context.Context) error {
	if !s.entered.CompareAndSwap(false, true) {
		return errors.New("supervisor: Run was called twice")
	}
	if s.host != nil {
		if err := s.host.start(); err != nil {
			close(s.done)
			return fmt.Errorf("start supervision: %w", err)
		}
		defer s.host.stop()
	}
	s.timer = time.NewTimer(time.Hour)
	s.timer.Stop()
	s.do(doLaunch)
	s.publish()
	cancelled := ctx.Done()
	for s.at.state != Stopped {
		select {
		case f := <-s.inbox:
			f()
		case <-s.turns:
		case <-s.timer.C:
			s.due = time.Time{}
			s.step(deadline)
		case <-cancelled:
			cancelled = nil
			s.stop(context.Cause(ctx).Error())
		}
		s.publish()
	}
	s.timer.Stop()
	s.impatient()
	close(s.done)
	s.helpers.Wait()
	if s.ended != nil {
		return s.ended
	}
	return nil
}

// step feeds the state machine and does what it says.
func (s *Supervisor) step(in input) {
	before := s.at
	at, act := next(before, in)
	s.at = at
	if at.state != before.state {
		s.disarm()
	}
	if in == deadline && before.state == Starting {
		s.condemnedBy("ready_timeout", fmt.Sprintf("not ready within %s", s.cfg.ReadyTimeout))
	}
	s.do(act)
}

func (s *Supervisor) do(act action) {
	switch act {
	case doLaunch:
		s.doLaunch()
	case doWatch:
		s.doWatch()
	case doReady:
		s.doReady()
	case doUnready:
		s.disarm()
		s.life.ready = false
		s.flipped()
	case doHealthy:
		s.failures = 0
		s.events.Emit(event.ChildHealthy{Life: s.life.Number, For: s.cfg.ResetAfter.Std()})
	case doTerm:
		s.doTerm()
	case doKill:
		s.doKill()
	case doSweep:
		s.doSweep()
	case doAccount:
		s.doAccount()
	case doRest:
		s.arm(s.cfg.RestEvery.Std())
		s.events.Emit(event.ChildRested{Failures: s.failures, Wait: s.cfg.RestEvery.Std(), Last: s.last})
	}
}

func (s *Supervisor) arm(d time.Duration) {
	s.timer.Reset(d)
	s.due = time.Now().Add(d)
}

func (s *Supervisor) disarm() {
	s.timer.Stop()
	s.due = time.Time{}
}

func (s *Supervisor) doLaunch() {
	s.number++
	s.early = nil
	n := s.number
	s.helpers.Go(func() {
		l, p, err := s.launchSafely(n)
		s.post(func() { s.launched(l, p, err) })
	})
}

func (s *Supervisor) launched(l Life, p process, err error) {
	if err != nil {
		s.early = nil
		s.last, s.lastCode = err.Error(), launchCode(err)
		s.lastError = s.last
		if !errors.Is(err, errInterrupted) {
			s.events.Emit(event.ChildLaunchFailed{Life: s.number, Error: s.last})
		}
		s.step(launchFailed)
		return
	}
	s.life = newLiving(l, p)
	s.events.Emit(event.ChildLaunched{Life: l.Number, PID: l.PID, Program: s.opts.Program})
	s.helpers.Go(func() {
		x := Exit{Code: 255}
		s.contained("waiter", func() { x = p.Wait() })
		s.post(func() { s.exited(x) })
	})
	if s.at.then == end {
		s.life.cause = event.CauseStop
	}
	s.step(launched)
	early := s.early
	s.early = nil
	for _, f := range early {
		f()
	}
}

func (s *Supervisor) doWatch() {
	if s.cfg.ReadyTimeout > 0 {
		s.arm(s.cfg.ReadyTimeout.Std())
	}
	s.startGuards()
}

func (s *Supervisor) markReady(by string) {
	if s.life.ready {
		return
	}
	s.life.readyBy = by
	s.step(ready)
}

func (s *Supervisor) doReady() {
	l := s.life
	l.ready, l.unready, l.readyAt = true, "", time.Now()
	l.beat()
	s.arm(s.cfg.ResetAfter.Std())
	s.flipped()
}

func (s *Supervisor) doTerm() {
	l := s.life
	l.stopAt = time.Now()
	within := s.cfg.StopTimeout.Std()
	select {
	case <-s.hurry:
		within = 0
	default:
	}
	s.events.Emit(event.ChildStopping{Life: l.Number, Signal: SignalName(s.stopSignal), Within: within, Cause: l.cause})
	l.stop(s.stopSignal, s.cfg.StopScope == ScopeGroup)
	s.arm(within)
}

func (s *Supervisor) doKill() {
	if !s.life.killed {
		s.life.killed = true
		s.events.Emit(event.ChildKilled{Life: s.life.Number, After: time.Since(s.life.stopAt)})
	}
	s.life.kill()
	s.arm(killAgain)
}

// exited is heard the moment the main process is dead.
func (s *Supervisor) exited(x Exit) {
	l := s.life
	l.exit, l.endedAt = x, time.Now()
	l.wasReady = l.ready
	l.ready = false
	l.cancel()
	s.last, s.lastCode = x.String(), x.Shell()
	s.lastExit = s.last
	s.step(exited)
	s.publish() // readiness falls before anybody is told
	if s.opts.OnEnd != nil {
		s.contained("on_end", func() { s.opts.OnEnd(l.Life, x) })
	}
}

func (s *Supervisor) doSweep() {
	l, failures := s.life, s.failures+1
	s.helpers.Go(func() {
		var a aftermath
		s.contained("aftermath", func() { a = s.aftermath(l, failures) })
		s.post(func() { s.swept(l, a) })
	})
}

func (s *Supervisor) swept(l *living, a aftermath) {
	up := l.endedAt.Sub(l.Started)
	if l.cause == event.CauseExit {
		last := ""
		if n := len(a.report.lastWords); n > 0 {
			last = a.report.lastWords[n-1]
		}
		s.events.Emit(event.ChildDied{Life: l.Number, PID: l.PID, Status: l.exit.String(), Uptime: up,
			InFlight: a.report.inFlight, LastWords: last, PostMortem: a.report.postMortem, Left: a.remains.found})
	} else {
		s.events.Emit(event.ChildStopped{Life: l.Number, PID: l.PID, Status: l.exit.String(), Uptime: up, Cause: l.cause,
			PostMortem: a.report.postMortem})
	}
	if pids := a.remains.survivors; len(pids) > 0 {
		s.events.Emit(event.TreeSurvived{Life: l.Number, PIDs: pids})
	}
	s.life = nil
	s.step(swept)
}

// doAccount counts a failure and asks the budget what follows.
func (s *Supervisor) doAccount() {
	if s.cfg.Restart == RestartNever {
		s.ended = &Ended{Code: s.lastCode, Last: s.last}
		s.step(gaveUp)
		return
	}
	s.failures++
	switch s.cfg.judge(s.failures) {
	case giveUp:
		s.events.Emit(event.ChildGivenUp{Failures: s.failures, Last: s.last})
		s.ended = &Ended{Code: ExitGaveUp, Last: s.last}
		s.step(gaveUp)
	case rest:
		s.step(exhausted)
	default:
		wait := s.cfg.Backoff.Wait(s.failures, s.random())
		s.arm(wait)
		s.events.Emit(event.ChildBackedOff{Life: s.number, Wait: wait, Failures: s.failures})
	}
}

// condemn is the verdict of a guard on the life.
func (s *Supervisor) condemn(guard, reason string) {
	if s.at.state != Starting && s.at.state != Running {
		return // it is ending already
	}
	s.condemnedBy(guard, reason)
	s.step(condemned)
}

func (s *Supervisor) condemnedBy(guard, reason string) {
	s.life.cause, s.life.guard, s.life.reason = event.CauseCondemned, guard, reason
	s.condemnation = guard + ": " + reason
	s.events.Emit(event.ChildCondemned{Life: s.life.Number, Guard: guard, Reason: reason})
}
