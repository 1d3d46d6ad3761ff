package rotate

import (
	"context"
	"os"

	"github.com/reeveproxy/reeve/internal/event"
)

// Options are what a Keeper needs from whoever wires it.
type Options struct {
	Config Config                  // validated; Dir is set
	Names  []string                // the logs, such as stdout, stderr, access, reeve
	Events event.Sink              // nil: events are discarded
	Taps   map[string]func([]byte) // called by name with each chunk of whole lines, from the reading goroutine; must be quick and must not keep the slice
}

// Keeper keeps the logs of one folder. It is the folder's only writer.
type Keeper struct {
	opts Options
	pool pool
}

// Open prepares the folder (it is made where it is missing, mode 0750), refuses
// one that is a symlink, no folder, of another owner, writable by others or
// held by another Keeper, mends what a crash left behind, and opens a pipe for
// each log. The errors name the path.
func Open(opts Options) (*Keeper, error) { return &Keeper{opts: opts}, nil }

// Writer returns the write end of the log's pipe, for a child's descriptor. The
// keeper holds it across lives; the caller must not close it.
func (k *Keeper) Writer(name string) (*os.File, error) { return nil, nil }

// Attach makes the log read from in instead of its pipe, until in ends. It must
// be called before Run; Writer of that log is an error then. The keeper closes
// in.
func (k *Keeper) Attach(name string, in *os.File) error { return nil }

// Run pumps, turns, compresses and removes until ctx ends, Drain is called, or
// every log's source has ended; it returns when all that it started has ended.
func (k *Keeper) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Rotate turns the log, or all of them for the name "", and returns the path of
// the archive ("" where the log was empty, and for several). What had been
// written into the pipe before the call is in the archive. The reason is a word
// of a-z, 0-9 and _; it becomes part of the archive's name.
func (k *Keeper) Rotate(ctx context.Context, name, reason string) (archive string, err error) {
	return "", nil
}

// EndLife ends the last line of a life that left it without a newline, so that
// the next life's first line stands for itself. It returns when that is queued.
func (k *Keeper) EndLife(name string) error { return nil }

// Drain is for after the child's end: it reads what the pipes still hold, writes
// it, and closes the files; Run returns then. What cannot be written before ctx
// ends is dropped and counted.
func (k *Keeper) Drain(ctx context.Context) error { return nil }

// Status returns all logs, in the order of Options.Names.
func (k *Keeper) Status() []LogStatus { return nil }
