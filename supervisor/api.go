package supervisor

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"

	"github.com/reeveproxy/reeve/internal/event"
)

var errSkeleton = errors.New("not built yet")

// Supervisor owns one child for ever.
type Supervisor struct{ opts Options }

// New checks the options and returns a supervisor that does nothing until Run.
func New(o Options) (*Supervisor, error) { return &Supervisor{opts: o}, errSkeleton }

// Run supervises until Stop, the end of ctx (which stops like Stop) or the end
// of the budget. It returns nil after an asked-for stop and *Ended otherwise,
// when everything it started has ended.
func (s *Supervisor) Run(ctx context.Context) error { return errSkeleton }

// Restart ends the current life and starts another without a pause; while
// waiting for the next life it starts that at once.
func (s *Supervisor) Restart(reason string) {}

// Stop ends the child and then Run.
func (s *Supervisor) Stop(reason string) {}

// Hurry shortens every deadline of a stop to zero.
func (s *Supervisor) Hurry() {}

// Signal forwards a signal to the child's main process.
func (s *Supervisor) Signal(sig os.Signal) error { return errSkeleton }

// MarkReady says that the life is ready, and by whose word.
func (s *Supervisor) MarkReady(life uint64, by string) {}

// MarkUnready says that the life runs and does not serve.
func (s *Supervisor) MarkUnready(life uint64, reason string) {}

// Status returns a consistent snapshot; it does not wait for the loop.
func (s *Supervisor) Status() Status { return Status{} }

// Reaper collects the processes that others left to us, and only those.
type Reaper struct{}

// NewReaper makes the process a subreaper. The sink may be event.Discard.
func NewReaper(events event.Sink) *Reaper { return &Reaper{} }

// Start is cmd.Start for everything that reeve starts besides the child: only
// processes started here are safe from being taken for somebody's orphan. The
// caller goes on with cmd.Wait as usual.
func (r *Reaper) Start(cmd *exec.Cmd) error { return cmd.Start() }

// Run starts the command as Start does and waits for it.
func (r *Reaper) Run(cmd *exec.Cmd) error { return cmd.Run() }

// ListenConfig is an entry of the section "listen" of the file.
type ListenConfig struct {
	Name    string `yaml:"name" default:"" doc:"Name under which the child finds the socket in LISTEN_FDNAMES; empty is the address."`
	Address string `yaml:"address" doc:"host:port, :port for all addresses, or unix:/path."`
	Backlog int    `yaml:"backlog" default:"4096" min:"1" doc:"Connections that may wait while no child accepts; the kernel caps it at net.core.somaxconn."`
}

// Listener is a listening socket that outlives the child.
type Listener struct{}

// Listen binds and listens. An address in use is an error that names the
// address and, where it can be found, its holder.
func Listen(c ListenConfig) (*Listener, error) { return nil, errSkeleton }

// Name is the socket's name in LISTEN_FDNAMES.
func (l *Listener) Name() string { return "" }

// Addr is the address with the real port.
func (l *Listener) Addr() net.Addr { return nil }

// File is the socket itself, not a copy; it must not be closed by the caller.
func (l *Listener) File() *os.File { return nil }

// Close closes the socket and removes the path of a unix socket.
func (l *Listener) Close() error { return nil }

// Shim is the second half of a launch: it runs in the new process, prepares it
// and becomes argv. It returns only on failure, with an *ExecError whose Code
// the process must exit with. A nil env is the process's own.
func Shim(argv, env []string, beforeExec func() error) error { return errSkeleton }

// ExecError is why a process could not become its program.
type ExecError struct {
	Code int // 127 not found, 126 otherwise
	Err  error
}

// Error is the cause's text.
func (e *ExecError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ExecError) Unwrap() error { return e.Err }

// NotifyUp tells the system manager that started reeve (systemd) its state,
// such as "READY=1". It does nothing where NOTIFY_SOCKET is not set.
func NotifyUp(state string) error { return errSkeleton }

// LastWords keeps the end of what a child wrote.
type LastWords struct{}

// NewLastWords keeps up to size bytes.
func NewLastWords(size int) *LastWords { return &LastWords{} }

// Write never blocks and never fails.
func (w *LastWords) Write(p []byte) (int, error) { return len(p), nil }

// Lines returns up to the last n lines, oldest first.
func (w *LastWords) Lines(n int) []string { return nil }
