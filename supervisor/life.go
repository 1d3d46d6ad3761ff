package supervisor

import (
	"context"
	"os"
	"time"
)

// Life is one run of the child, from launch to exit.
type Life struct {
	Number  uint64    `json:"number"` // 1 for the first of this reeve
	PID     int       `json:"pid"`
	Started time.Time `json:"started"` // when the process was made
}

// Guard runs beside one life. Watch is called once per life, with a context
// that ends with the life, and must return when it does. A non-nil error before
// that condemns this life and no other; nil means that the guard is content and
// done. A panic is told and the guard is started again.
type Guard struct {
	Name  string
	Watch func(ctx context.Context, l Life) error
}

// Inheritance is what a life inherits besides its standard streams and the
// listeners.
type Inheritance struct {
	Files []*os.File // numbered from the first free descriptor, in order
	Env   []string   // "NAME=value", after and above Options.Env
	// Done, if not nil, is called once the life has its copies or could not be
	// made, so that the caller can close its own.
	Done func()
}
