package supervisor

import (
	"context"
	"syscall"
)

// process is the operating system behind a life; tests have one of their own.
type process interface {
	PID() int
	// Signal sends to the main process, or to its whole group. It returns
	// os.ErrProcessDone once the process was collected.
	Signal(sig syscall.Signal, group bool) error
	// Wait blocks until the main process is dead. Others that hold its pipes
	// do not delay it.
	Wait() Exit
	// Sweep ends what the dead process left behind and collects it. It is
	// bounded; a closed hurry shortens it.
	Sweep(hurry <-chan struct{}) remains
}

// remains is what a dead process left behind.
type remains struct {
	found     int   // processes that had to be ended
	survivors []int // of those, the pids that could not be
}

// launcher makes the process of life number n. It blocks until the child's
// program runs; the end of ctx makes it give up soon.
type launcher func(ctx context.Context, n uint64) (Life, process, error)
