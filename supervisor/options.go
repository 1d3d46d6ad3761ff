package supervisor

import (
	"os"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// Ready says what makes a life ready.
type Ready string

// The ways in which a life becomes ready.
const (
	ReadyByUptime Ready = "uptime" // Config.ReadyAfter passed; the meaning of ""
	ReadyByNotify Ready = "notify" // the child sent READY=1
	ReadyByProbe  Ready = "probe"  // MarkReady was called, or the child sent READY=1
)

// Options is what a Supervisor is made of. Argv and Events are required.
type Options struct {
	Config Config
	Argv   []string // the child's program and arguments; the program is looked up in PATH
	// Program is what the child is called in events, status and post-mortems; ""
	// is Argv[0]. It is for an Argv[0] that names nothing, as /proc/self/exe.
	Program string
	Env     []string // the child's environment; nil is reeve's own
	Dir     string   // the child's working folder; "" is reeve's own

	// Shim is put before Argv: a program that prepares itself (limits) and then
	// becomes Argv through [Shim]. Empty starts Argv directly, without
	// LISTEN_PID, which only the process itself can know in time.
	Shim []string

	Listeners []*Listener // passed as descriptors 3, 4, ... of every life
	Stdout    *os.File    // write end of a pipe that somebody else reads; nil is reeve's own
	Stderr    *os.File    // likewise

	// Inherit, if not nil, is called before each launch with the number of the
	// life and the number that the first of its Files will have in the child.
	Inherit func(life uint64, firstFD int) (Inheritance, error)

	// AfterExec, if not nil, is called when the child's own program runs, with a
	// process that lives or has just died. Limits are read back here.
	AfterExec func(Life)

	// OnEnd, if not nil, is called the moment a life is down, before anything
	// is swept or written. It must not block.
	OnEnd func(Life, Exit)

	ReadyBy Ready
	Guards  []Guard

	// InFlight, if not nil, lists the requests that the dead life left on its
	// scoreboard. All are counted, and the oldest get into the post-mortem.
	InFlight func(life uint64) []scoreboard.Request
	// LastWords, if not nil, returns the last lines that the child wrote.
	LastWords func() []string
	// Limits, if not nil, returns the limits of the life, for its post-mortem.
	Limits func(life uint64) map[string]string

	PostMortemDir string // "" writes none
	Events        event.Sink
	Reaper        *Reaper // shared with all who start processes; nil makes one
}
