package watchdog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Subject is the life that a guard watches.
type Subject struct {
	Life    uint64    // its number, from 1
	PID     int       // its first process
	Started time.Time // its launch; the zero time means now
	// Progress is the number of requests that the life has completed; ok is
	// false where nobody counts. Nil means that nobody counts.
	Progress func() (completed uint64, ok bool)
	// InFlight is the number of requests being served; nil as for Progress.
	InFlight func() (requests uint64, ok bool)
}

// Hooks are what the watchdog asks of its surroundings. They are called by the
// goroutine that called Watch, without a lock held, and must not block.
type Hooks struct {
	// Ready is called when the probes find the life ready, with its number, so
	// that a late word cannot speak for the next life, and the name of the
	// probe whose answer completed it. Nil for nobody to tell.
	Ready func(life uint64, by string)
	// Unready is called when a life that was ready stops being so.
	Unready func(life uint64, reason string)
	// Start starts the command of an exec probe, so that whoever reaps this
	// process's children knows it; the probe then calls Wait of the same
	// command. Nil means the command's own Start.
	Start func(*exec.Cmd) error
}

// Probe asks one question.
type Probe interface {
	// Name is the probe's name in events and status.
	Name() string
	// Check returns nil where the answer is good. It returns soon after ctx
	// ends, whatever the other side does.
	Check(ctx context.Context) error
}

// Condemned is the verdict of a guard: the life must end.
type Condemned struct {
	Probe    string // the probe or the condition
	Failures int    // failed tries; 0 for a condition
	Last     string // the last answer, or the figure and its limit
}

// Error says who condemned the life and why.
func (e *Condemned) Error() string {
	if e.Failures == 0 {
		return fmt.Sprintf("condition %s: %s", e.Probe, e.Last)
	}
	return fmt.Sprintf("probe %s failed %d times, last: %s", e.Probe, e.Failures, e.Last)
}

// Watchdog watches one life after the other.
type Watchdog struct {
	cfg    Config
	sink   event.Sink
	hooks  Hooks
	build  func(ProbeConfig, Subject) Probe
	jitter func(most time.Duration) time.Duration
	read   func(Subject) gauges // a new life's instruments

	watches []condition

	mu     sync.Mutex
	status Status
	births []time.Time // of the last lives, for the metric restarts
	born   uint64      // the last of them
	judges []evaluator // one for each of watches
}

// New returns the watchdog of a configuration, or what is wrong with it. Zero
// numbers of probes mean their defaults.
func New(cfg Config, sink event.Sink, hooks Hooks) (*Watchdog, error) {
	cfg = cfg.complete()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	w := &Watchdog{cfg: cfg, sink: sink, hooks: hooks, jitter: jitter}
	w.build = func(c ProbeConfig, s Subject) Probe { return newProbe(c, s, hooks.Start) }
	w.watches = cfg.conditions()
	w.judges = make([]evaluator, len(w.watches))
	w.read = func(s Subject) gauges { return newGauges(s.PID, cfg.paths()) }
	for _, c := range cfg.Probes {
		w.status.Probes = append(w.status.Probes, ProbeStatus{Name: c.Name, Kind: c.Kind, Role: c.Role, State: Waiting})
	}
	for _, c := range w.watches {
		w.status.Conditions = append(w.status.Conditions, ConditionStatus{Name: c.name, Metric: c.metric, Limit: c.limit})
	}
	return w, nil
}

func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return rand.N(most)
}

// beginLife forgets what the probes found in the life before.
func (w *Watchdog) beginLife(life uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Life, w.status.Ready = life, false
	for i, p := range w.status.Probes {
		w.status.Probes[i] = ProbeStatus{Name: p.Name, Kind: p.Kind, Role: p.Role, State: Waiting}
	}
}

// Status returns what is known now. It does not ask the child anything.
func (w *Watchdog) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.status
	s.Probes = slices.Clone(s.Probes)
	s.Conditions = slices.Clone(s.Conditions)
	s.Usage.Disks = slices.Clone(s.Usage.Disks)
	return s
}

// JudgesReadiness reports whether any probe is configured, so that Hooks.Ready
// will be called for a healthy life. Without one somebody else must say when a
// life is ready.
func (w *Watchdog) JudgesReadiness() bool { return len(w.cfg.Probes) > 0 }
