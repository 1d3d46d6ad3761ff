package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// ErrNoChild is returned by Signal while no child runs.
var ErrNoChild = errors.New("no child runs")

// ErrEnded is returned by Turn when the loop has ended.
var ErrEnded = errors.New("the supervisor's loop has ended")

// Supervisor owns one child for ever.
type Supervisor struct {
	opts       Options
	cfg        Config
	stopSignal syscall.Signal
	events     event.Sink
	launch     launcher
	random     func() float64
	host       *host // nil in tests of the loop

	// inbox carries what others want to the loop, which is always quick to take
	// it. The capacity lets a few callers speak before Run.
	inbox   chan func()
	turns   chan struct{} // unbuffered: what was taken was taken by a loop that turns
	done    chan struct{} // closed when the loop has ended
	entered atomic.Bool   // Run was called

	mu     sync.Mutex
	status Status // what Status returns

	// The rest belongs to the loop.
	at         spot
	life       *living // nil while no process exists
	number     uint64  // of the newest life
	failures   int     // in a row
	ended      *Ended  // what Run returns
	last       string  // how the last life ended or why the last launch failed
	lastCode   int     // the exit code that fits it
	stopReason string

	lastExit, lastError, condemnation string // for Status

	timer     *time.Timer
	due       time.Time       // of the timer
	hurry     chan struct{}   // closed by Hurry
	patience  context.Context // ends with hurry
	impatient context.CancelFunc
	helpers   sync.WaitGroup // launches, waiters, aftermaths
	early     []func()       // said about a life before its launch was known
}

// New checks the options and returns a supervisor that does nothing until Run.
func New(o Options) (*Supervisor, error) {
	s, err := newSupervisor(o)
	if err != nil {
		return nil, err
	}
	s.host = newHost(s)
	s.launch = s.host.launch
	s.status.Guarantee = s.host.reaper.Guarantee()
	return s, nil
}

// newSupervisor makes one that has no operating system yet.
func newSupervisor(o Options) (*Supervisor, error) {
	if len(o.Argv) == 0 || o.Argv[0] == "" {
		return nil, errors.New("no command for the child")
	}
	if o.Events == nil {
		o.Events = event.Discard{}
	}
	if o.Program == "" {
		o.Program = o.Argv[0]
	}
	switch o.ReadyBy {
	case "":
		o.ReadyBy = ReadyByUptime
	case ReadyByUptime, ReadyByNotify, ReadyByProbe:
	default:
		return nil, fmt.Errorf("ready by %q: want %s, %s or %s", o.ReadyBy, ReadyByUptime, ReadyByNotify, ReadyByProbe)
	}
	for _, g := range o.Guards {
		if g.Watch == nil {
			return nil, fmt.Errorf("guard %q has nothing to do", g.Name)
		}
	}
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	sig, err := ParseSignal(o.Config.StopSignal)
	if err != nil {
		return nil, err
	}
	s := &Supervisor{
		opts:       o,
		cfg:        o.Config,
		stopSignal: sig,
		events:     o.Events,
		random:     rand.Float64,
		inbox:      make(chan func(), 64),
		turns:      make(chan struct{}),
		done:       make(chan struct{}),
		at:         spot{Launching, retry},
		hurry:      make(chan struct{}),
		status:     Status{State: Launching, Program: o.Program},
	}
	s.patience, s.impatient = context.WithCancel(context.Background())
	return s, nil
}

// post hands f to the loop. After the loop's end it does nothing.
func (s *Supervisor) post(f func()) {
	select {
	case s.inbox <- f:
	case <-s.done:
	}
}

// Turn returns nil once the loop has taken a message, which it only does between
// two of its turns: proof that it neither hangs nor is buried. Before Run it
// waits. Otherwise it returns the error of ctx, or ErrEnded.
func (s *Supervisor) Turn(ctx context.Context) error {
	select {
	case s.turns <- struct{}{}:
		return nil
	case <-s.done:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Restart ends the current life and starts another without a pause; while
// waiting for the next life it starts that at once. Where a life is just being
// made it does nothing.
func (s *Supervisor) Restart(reason string) {
	s.post(func() {
		if s.life != nil && (s.at.state == Starting || s.at.state == Running) {
			s.life.cause, s.life.reason = event.CauseAsked, reason
		}
		s.step(restartAsked)
	})
}

// Stop ends the child and then Run. It does not wait.
func (s *Supervisor) Stop(reason string) {
	s.post(func() { s.stop(reason) })
}

func (s *Supervisor) stop(reason string) {
	if s.life != nil && (s.at.state == Starting || s.at.state == Running) {
		s.life.cause, s.life.reason = event.CauseStop, reason
	}
	if s.stopReason == "" {
		s.stopReason = reason
	}
	s.step(stopAsked)
}

// Hurry stops like Stop, with every deadline at zero. It is what a second
// signal of an impatient operator does.
func (s *Supervisor) Hurry() {
	s.post(func() {
		s.stop("hurried")
		select {
		case <-s.hurry:
		default:
			close(s.hurry)
			s.impatient()
		}
		s.step(hurried)
	})
}

// Signal forwards a signal to the child's main process. It returns ErrNoChild
// while none runs.
func (s *Supervisor) Signal(sig os.Signal) error {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("forward signal %v: not a signal of this system", sig)
	}
	answer := make(chan error, 1) // one answer, never waited for by the loop
	s.post(func() {
		if s.life == nil || s.at.state == Sweeping {
			answer <- ErrNoChild
			return
		}
		err := s.life.proc.Signal(number, false)
		if err == nil {
			s.events.Emit(event.SignalForwarded{Signal: SignalName(number), Life: s.life.Number})
		}
		answer <- err
	})
	select {
	case err := <-answer:
		return err
	case <-s.done:
		return ErrNoChild
	}
}

// MarkReady says that the life is ready, and by whose word. A word about
// another life than the current one is ignored.
func (s *Supervisor) MarkReady(life uint64, by string) {
	s.about(life, func() { s.markReady(by) })
}

// MarkUnready says that the life runs and does not serve. It is ignored for a
// life that has not been ready, and for another than the current one.
func (s *Supervisor) MarkUnready(life uint64, reason string) {
	s.about(life, func() {
		if s.life.ready {
			s.life.unready = reason
			s.step(unready)
		}
	})
}

// about posts f if the loop finds the life current when it takes f. What is
// said of a life whose launch the loop has not heard of yet is kept for then.
func (s *Supervisor) about(life uint64, f func()) {
	s.post(func() {
		switch {
		case s.life != nil && s.life.Number == life:
			f()
		case s.at.state == Launching && s.number == life && len(s.early) < maxEarly:
			s.early = append(s.early, f)
		}
	})
}

// maxEarly bounds what is kept for a life that is being launched.
const maxEarly = 64

// Status returns a consistent snapshot; it does not wait for the loop.
func (s *Supervisor) Status() Status {
	s.mu.Lock()
	st := s.status
	s.mu.Unlock()
	if s.host != nil {
		st.Orphans = s.host.reaper.Reaped()
		st.Refused = s.host.notify.refused.Load()
	}
	return st
}

// publish makes the loop's view the one that Status returns.
func (s *Supervisor) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.status
	st.State, st.Failures = s.at.state, s.failures
	st.Life = s.number
	st.Restarts = max(s.number, 1) - 1
	st.PID, st.Started, st.Ready, st.ReadyBy, st.Unready = 0, time.Time{}, false, "", ""
	if l := s.life; l != nil && s.at.state != Sweeping {
		st.PID, st.Started = l.PID, l.Started
		st.Ready = l.ready && s.at.state == Running
		st.ReadyBy, st.Unready, st.Text = l.readyBy, l.unready, l.text
	} else {
		st.Text = ""
	}
	st.LastExit, st.LastError, st.Condemned = s.lastExit, s.lastError, s.condemnation
	st.NextTry = time.Time{}
	if s.at.state == Waiting || s.at.state == Resting {
		st.NextTry = s.due
	}
}
