package supervisor

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/reeveproxy/reeve/internal/config"
)

// The values of Config.Restart, Config.StopScope and Options.ReadyBy.
const (
	RestartAlways = "always" // a life that ends is followed by another
	RestartNever  = "never"  // reeve ends with its child and passes on its exit code

	ScopeGroup = "group" // the stop signal goes to the child's process group
	ScopeMain  = "main"  // the stop signal goes to the child alone; KILL still goes to all
)

// Config is the section "supervisor" of the file.
type Config struct {
	StopSignal   string          `yaml:"stop_signal" default:"TERM" doc:"Signal that asks the child to end: TERM, QUIT, INT, WINCH and so on."`
	StopScope    string          `yaml:"stop_scope" default:"group" enum:"group,main" doc:"Who gets the stop signal: the child's process group, or the main process alone. KILL always goes to the whole tree."`
	StopTimeout  config.Duration `yaml:"stop_timeout" default:"10s" min:"0s" doc:"Time between the stop signal and KILL; 0 kills at once. A child that sends EXTEND_TIMEOUT_USEC gets up to ten times as much, but no more than 10m."`
	LeftGrace    config.Duration `yaml:"left_grace" default:"1s" min:"0s" doc:"Time that processes left behind by a dead child get between TERM and KILL; 0 kills at once."`
	ReadyTimeout config.Duration `yaml:"ready_timeout" default:"0s" min:"0s" doc:"A life that is not ready after this time is condemned; 0 waits for ever."`
	ReadyAfter   config.Duration `yaml:"ready_after" default:"1s" min:"0s" doc:"A child with neither notification nor readiness probe counts as ready after this time."`
	Watchdog     config.Duration `yaml:"watchdog" default:"0s" min:"0s" doc:"A ready child that sends no WATCHDOG=1 for this long is condemned; 0 is off."`
	Backoff      Backoff         `yaml:"backoff" doc:"The pause before the next life."`
	ResetAfter   config.Duration `yaml:"reset_after" default:"30s" min:"0s" doc:"A life that stays ready for this long refills the restart budget."`
	RestAfter    int             `yaml:"rest_after" default:"10" min:"0" doc:"Failures in a row after which reeve rests between tries; 0 never rests."`
	RestEvery    config.Duration `yaml:"rest_every" default:"5m" min:"1s" doc:"Pause between tries while resting."`
	GiveUpAfter  int             `yaml:"give_up_after" default:"0" min:"0" doc:"Failures in a row after which reeve exits 10; 0 never gives up."`
	Restart      string          `yaml:"restart" default:"always" enum:"always,never" doc:"What follows the end of the child: another life, or the end of reeve with the child's exit code."`
	PostMortems  int             `yaml:"post_mortems" default:"50" min:"0" doc:"Post-mortem reports kept in the state folder; 0 writes none."`
}

// Validate reports what the tags cannot say.
func (c Config) Validate() error {
	var p config.Problems
	if _, err := ParseSignal(c.StopSignal); err != nil {
		p.Add("stop_signal", "%v", err)
	}
	if c.RestAfter > 0 && c.GiveUpAfter > 0 && c.GiveUpAfter <= c.RestAfter {
		p.Add("give_up_after", "gives up after %d failures, before rest_after (%d) is reached; set rest_after: 0 or raise it", c.GiveUpAfter, c.RestAfter)
	}
	p.Under("backoff", c.Backoff.Validate())
	return p.Err()
}

// ParseSignal reads "TERM", "SIGTERM" or "term".
func ParseSignal(name string) (syscall.Signal, error) {
	upper := strings.ToUpper(strings.TrimSpace(name))
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	sig := unix.SignalNum(upper)
	if sig == 0 {
		return 0, fmt.Errorf("%q is not the name of a signal", name)
	}
	return sig, nil
}

// SignalName is "TERM" for SIGTERM, and "signal 35" for one without a name.
func SignalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	return fmt.Sprintf("signal %d", int(sig))
}
