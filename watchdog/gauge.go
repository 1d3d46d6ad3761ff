package watchdog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// restartWindow is how far back the metric restarts looks.
	restartWindow = time.Hour
	// maxBirths bounds what is remembered for it.
	maxBirths = 1000
)

// gauges are the instruments of one life.
type gauges interface {
	// read fills in all figures that can be read.
	read(ctx context.Context, at time.Time) Usage
}

// Gauge reads the figures of one life and of the host and judges the
// conditions, until ctx ends, and then returns nil, or until a condition whose
// action is restart is raised, and then returns a *Condemned. It is a guard.
//
// Conditions about the child or its requests, and those that restart, begin
// anew with each life; those about the host and its disks, and restarts, go on
// from one life to the next.
func (w *Watchdog) Gauge(ctx context.Context, s Subject) error {
	w.bear(s.Life, time.Now())
	defer w.forgetLife()
	instruments := w.read(s)
	tick := time.NewTicker(w.cfg.Usage.Std())
	defer tick.Stop()
	w.note(instruments.read(ctx, time.Now())) // rates need a first reading
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		u := instruments.read(ctx, now)
		if ctx.Err() != nil {
			return nil // half a reading
		}
		w.note(u)
		if err := w.judge(s, u, now); err != nil {
			return err
		}
	}
}

func (w *Watchdog) note(u Usage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Usage = u
}

// bear counts the life among those of the last hour.
func (w *Watchdog) bear(life uint64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if life > max(1, w.born) { // the first life is not a restart, nor is a second call for one
		w.born = life
		w.births = append(w.births, now)
		w.births = w.births[max(0, len(w.births)-maxBirths):]
	}
}

func (w *Watchdog) restarts(now time.Time) float64 {
	n := 0
	for _, at := range w.births {
		if now.Sub(at) < restartWindow {
			n++
		}
	}
	return float64(n)
}

// judge judges all conditions by one reading; its error is the verdict.
func (w *Watchdog) judge(s Subject, u Usage, now time.Time) (verdict error) {
	f := figures{usage: u}
	f.inFlight, f.counted = inFlight(s)
	var told []event.Event
	w.mu.Lock()
	f.restarts = w.restarts(now)
	for i, c := range w.watches {
		v, known := f.figure(c.metric, c.path)
		var ch change
		w.judges[i], ch = c.next(w.judges[i], now, v, known)
		w.status.Conditions[i] = ConditionStatus{Name: c.name, Metric: c.metric, Value: v, Known: known,
			Limit: c.limit, Raised: w.judges[i].raised, Since: w.judges[i].since}
		switch ch {
		case raised:
			told = append(told, event.ConditionRaised{Condition: c.name, Metric: c.metric, Value: v, Limit: c.limit, Action: string(c.action)})
			if c.action == Restart && verdict == nil {
				verdict = &Condemned{Probe: c.name, Last: fmt.Sprintf("%s is %s, limit %s %s for %s",
					c.metric, c.unit.format(v), c.op, c.unit.format(c.limit), c.hold)}
			}
		case cleared:
			told = append(told, event.ConditionCleared{Condition: c.name, Metric: c.metric, Value: v})
		}
	}
	w.mu.Unlock()
	for _, e := range told {
		w.sink.Emit(e)
	}
	return verdict
}

// inFlight asks who counts. Who counts may be gone already, with its memory
// unmapped: then nobody counts.
func inFlight(s Subject) (n float64, ok bool) {
	if s.InFlight == nil {
		return 0, false
	}
	defer func() {
		if recover() != nil {
			n, ok = 0, false
		}
	}()
	requests, ok := s.InFlight()
	return float64(requests), ok
}

// forgetLife ends what was seen of a life with it. Its incidents end too: the
// next life is judged anew.
func (w *Watchdog) forgetLife() {
	var told []event.Event
	w.mu.Lock()
	for i, c := range w.watches {
		if !c.ofLife() {
			continue
		}
		if w.judges[i].raised {
			told = append(told, event.ConditionCleared{Condition: c.name, Metric: c.metric, Value: w.status.Conditions[i].Value})
		}
		w.judges[i] = evaluator{}
		st := &w.status.Conditions[i]
		st.Raised, st.Since = false, time.Time{}
		if strings.HasPrefix(c.metric, "child.") {
			st.Value, st.Known = 0, false
		}
	}
	w.status.Usage = w.status.Usage.hostOnly()
	w.mu.Unlock()
	for _, e := range told {
		w.sink.Emit(e)
	}
}

// hostOnly is the usage without the child's figures.
func (u Usage) hostOnly() Usage {
	return Usage{At: u.At, MemTotal: u.MemTotal, MemAvailable: u.MemAvailable, SwapIn: u.SwapIn, Load: u.Load, Disks: u.Disks}
}
