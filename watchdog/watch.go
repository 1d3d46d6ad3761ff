package watchdog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// answer is one try of one probe.
type answer struct {
	probe    int
	err      error
	panicked bool
	at       time.Time
	latency  time.Duration
	from, to mark      // when the try began and ended
	more     chan bool // told whether to ask again, once this is judged
}

// watch is the state of one call of Watch, owned by the goroutine of the call.
type watch struct {
	*Watchdog
	s       Subject
	tallies []tally
	all     []standing
	began   []mark // when each probe's earlier try began, if that failed
	shouted []bool // its panic was told
	checks  atomic.Uint64
	ready   bool
	opened  bool
	gate    chan struct{} // closed when the startup probes have passed
}

// Watch runs the probes against one life until ctx ends, and then returns nil,
// or until they find that the life must end, and then returns a *Condemned. It
// is a guard: what it counts begins and ends with the call. All that it
// started has ended when it returns.
func (w *Watchdog) Watch(ctx context.Context, s Subject) error {
	if s.Started.IsZero() {
		s.Started = time.Now()
	}
	v := &watch{Watchdog: w, s: s, gate: make(chan struct{})}
	for _, c := range w.cfg.Probes {
		v.tallies = append(v.tallies, newTally(c))
		v.all = append(v.all, standing{role: c.Role, state: Waiting})
	}
	v.began = make([]mark, len(v.all))
	v.shouted = make([]bool, len(v.all))
	w.beginLife(s.Life)
	v.open()

	ctx, cancel := context.WithCancel(ctx)
	var probes sync.WaitGroup
	defer v.endLife()
	defer probes.Wait()
	defer cancel()
	answers := make(chan answer) // unbuffered: an answer is judged before the next is asked
	for i, c := range w.cfg.Probes {
		p := w.build(c, s)
		probes.Go(func() { v.run(ctx, i, c, p, answers) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-answers:
			if err := v.take(a); err != nil {
				return err
			}
			a.more <- v.all[a.probe] != standing{Startup, Passing}
		}
	}
}

// run asks one probe, at a fixed rate, so that a slow answer does not stretch
// the time to a verdict.
func (v *watch) run(ctx context.Context, i int, c ProbeConfig, p Probe, answers chan<- answer) {
	if c.Role != Startup {
		select {
		case <-v.gate:
		case <-ctx.Done():
			return
		}
	}
	more := make(chan bool, 1) // the one answer in flight, so that the judge never waits
	next := time.Now().Add(max(0, time.Until(v.s.Started.Add(c.Delay.Std()))) + v.jitter(min(c.Period.Std()/10, time.Second)))
	t := time.NewTimer(time.Until(next))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		a := v.ask(ctx, i, c, p)
		a.more = more
		if ctx.Err() != nil {
			return
		}
		select {
		case answers <- a:
		case <-ctx.Done():
			return
		}
		select {
		case again := <-more:
			if !again {
				return
			}
		case <-ctx.Done():
			return
		}
		if next = next.Add(c.Period.Std()); time.Until(next) < 0 {
			next = time.Now() // a machine that slept must not catch up
		}
		t.Reset(time.Until(next))
	}
}

// ask makes one try.
func (v *watch) ask(ctx context.Context, i int, c ProbeConfig, p Probe) (a answer) {
	a = answer{probe: i, at: time.Now(), from: v.mark()}
	a.err, a.panicked = check(ctx, c.Timeout.Std(), p)
	a.latency = time.Since(a.at)
	if c.Kind == HTTP {
		v.checks.Add(1)
	}
	// One try decides: whether the life advances is seen in the time that the
	// answer might have taken, however fast it was.
	if rest := c.Timeout.Std() - a.latency; a.err != nil && c.Role == Liveness && c.Fall == 1 && a.from.known && rest > 0 {
		select {
		case <-time.After(rest):
		case <-ctx.Done():
		}
	}
	a.to = v.mark()
	return a
}

// check calls the probe within its timeout. A panic in it is our fault, not
// the child's.
func check(ctx context.Context, timeout time.Duration, p Probe) (err error, panicked bool) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err, panicked = fmt.Errorf("internal error: panic: %v", r), true
		}
	}()
	err = p.Check(ctx)
	if over := context.Cause(ctx); err != nil && over != nil {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, over) {
			return over, false
		}
		err = fmt.Errorf("%w: %v", over, err)
	}
	return err, false
}

// mark reads how far the life is. Who counts may be gone already, with its
// memory unmapped: then nobody counts.
func (v *watch) mark() (m mark) {
	if v.s.Progress == nil {
		return mark{}
	}
	defer func() {
		if recover() != nil {
			m = mark{}
		}
	}()
	n, ok := v.s.Progress()
	return mark{known: ok, completed: n, own: v.checks.Load()}
}

// take judges one answer; its error is the verdict on the life.
func (v *watch) take(a answer) error {
	c := v.cfg.Probes[a.probe]
	if a.panicked {
		v.note(a, v.all[a.probe].state)
		if !v.shouted[a.probe] {
			v.shouted[a.probe] = true
			v.sink.Emit(event.GuardPanicked{Guard: "probe " + c.Name, Value: a.err.Error()})
		}
		return nil
	}
	t := &v.tallies[a.probe]
	before := v.all[a.probe].state
	turned := t.add(a.err == nil)
	from := a.from
	if v.began[a.probe].known {
		from = v.began[a.probe]
	}
	verdict := judge(c.Role, turned, t.state == Failing, advanced(from, a.to))
	v.began[a.probe] = mark{}
	if a.err != nil {
		v.began[a.probe] = a.from
	}
	now := t.state
	if now == Failing && (verdict == overload || before == Overloaded && a.err == nil) {
		now = Overloaded
	}
	v.all[a.probe].state = now
	v.note(a, now)
	return v.follow(c, a, verdict, turned, before)
}

// follow does what a verdict asks for.
func (v *watch) follow(c ProbeConfig, a answer, verdict consequence, turned turn, before State) error {
	t := &v.tallies[a.probe]
	fallen := before == Failing || before == Overloaded
	switch {
	case turned == fell:
		v.sink.Emit(event.ProbeFailed{Life: v.s.Life, Probe: c.Name, Role: string(c.Role), Failures: t.failures(), Last: a.err.Error()})
	case verdict == tellUp && fallen:
		v.sink.Emit(event.ProbeRecovered{Life: v.s.Life, Probe: c.Name, Role: string(c.Role)})
	}
	if verdict == overload && before != Overloaded {
		v.sink.Emit(event.ChildOverloaded{Life: v.s.Life, Probe: c.Name, Failures: t.failures(), Last: a.err.Error()})
	}
	if verdict == end {
		v.setReady(false, c, a)
		return &Condemned{Probe: c.Name, Failures: t.failures(), Last: a.err.Error()}
	}
	v.open()
	v.setReady(ready(v.all), c, a)
	return nil
}

// open lets the other probes begin where the startup probes have passed.
func (v *watch) open() {
	if !v.opened && started(v.all) {
		v.opened = true
		close(v.gate)
	}
}

// endLife leaves what was found to be read, but nobody is ready.
func (v *watch) endLife() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status.Ready = false
}

func (v *watch) setReady(now bool, c ProbeConfig, a answer) {
	if now == v.ready {
		return
	}
	v.ready = now
	v.mu.Lock()
	v.status.Ready = now
	v.mu.Unlock()
	switch {
	case now && v.hooks.Ready != nil:
		v.hooks.Ready(v.s.Life, c.Name)
	case !now && v.hooks.Unready != nil:
		v.hooks.Unready(v.s.Life, fmt.Sprintf("probe %s: %v", c.Name, a.err))
	}
}

// note keeps the answer for Status.
func (v *watch) note(a answer, s State) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := &v.status.Probes[a.probe]
	p.State, p.At, p.Latency, p.Last = s, a.at, a.latency, "ok"
	if a.err == nil {
		p.Successes++
		return
	}
	p.Last = a.err.Error()
	p.Failures++
}
