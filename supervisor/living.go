package supervisor

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// living is a life with all that belongs to it. Except for what a comment says
// otherwise of, it belongs to the loop; after the exit, to the aftermath.
type living struct {
	Life
	proc    process
	ctx     context.Context // ends with the life; guards get it
	cancel  context.CancelFunc
	helpers sync.WaitGroup // its guards and hooks

	ready    bool
	wasReady bool // at the moment of its end
	readyBy  string
	readyAt  time.Time // the last time that it became so
	unready  string    // why it is not ready any more
	text     string    // its own STATUS=
	flips    flips     // what is told of its readiness

	// beats wakes the notify watchdog. One is enough to remember: a second
	// beat before the first was seen says nothing more.
	beats chan struct{}

	cause   event.Cause
	guard   string // who condemned it
	reason  string // why it is ended
	stopAt  time.Time
	killed  bool
	endedAt time.Time
	exit    Exit
}

func newLiving(l Life, p process) *living {
	ctx, cancel := context.WithCancel(context.Background())
	return &living{Life: l, proc: p, ctx: ctx, cancel: cancel, beats: make(chan struct{}, 1), cause: event.CauseExit}
}

// beat tells the notify watchdog that the child is well.
func (l *living) beat() {
	select {
	case l.beats <- struct{}{}:
	default:
	}
}

// stop sends the stop signal, and CONT so that a stopped process gets it.
// Errors say that it is dead, which the waiter tells too.
func (l *living) stop(sig syscall.Signal, group bool) {
	_ = l.proc.Signal(sig, group)
	_ = l.proc.Signal(syscall.SIGCONT, group)
}

func (l *living) kill() { _ = l.proc.Signal(syscall.SIGKILL, true) }
