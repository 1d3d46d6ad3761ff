package watchdog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// tailLimit is how much of a command's output is kept as evidence.
	tailLimit = 512
	// lingering is how long a command that ended may keep its output open
	// through processes that it left behind.
	lingering = 500 * time.Millisecond
)

// execProbe runs a command in a process group of its own.
type execProbe struct {
	c     ProbeConfig
	env   []string
	start func(*exec.Cmd) error
}

func newExecProbe(c ProbeConfig, s Subject, start func(*exec.Cmd) error) Probe {
	if start == nil {
		start = (*exec.Cmd).Start
	}
	env := append(cleanEnv(os.Environ()), "REEVE_CHILD_PID="+strconv.Itoa(s.PID), "REEVE_LIFE="+strconv.FormatUint(s.Life, 10))
	return &execProbe{c: c, env: env, start: start}
}

// cleanEnv takes out what speaks to reeve itself: a probe that inherits
// NOTIFY_SOCKET could tell reeve's own manager that all is well.
func cleanEnv(env []string) []string {
	var out []string
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES":
		default:
			out = append(out, kv)
		}
	}
	return out
}

func (p *execProbe) Name() string { return p.c.Name }

// Check runs the command once. The process group is killed at the timeout, and
// what is left of it after the command's own end as well.
func (p *execProbe) Check(ctx context.Context) error {
	out := &tail{}
	cmd := exec.CommandContext(ctx, p.c.Command[0], p.c.Command[1:]...)
	cmd.Env = p.env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = lingering
	if err := p.start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.c.Command[0], err)
	}
	err := cmd.Wait()
	// The group's number cannot be another's yet while members of it live, and
	// is not given again for a long time where none does.
	killGroup(cmd.Process.Pid)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it exited 0 and left something behind that held its output
	}
	if err == nil {
		return nil
	}
	if text := out.String(); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

func killGroup(pgid int) error {
	if pgid <= 1 {
		return nil // -1 would be every process there is
	}
	if err := syscall.Kill(-pgid, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	} else if err != nil {
		return fmt.Errorf("kill process group %d: %w", pgid, err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	b = b[max(0, len(b)-tailLimit):]
	t.kept = append(t.kept, b...)
	t.kept = append(t.kept[:0], t.kept[max(0, len(t.kept)-tailLimit):]...)
	return n, nil
}

// String is the output on one line of printable text.
func (t *tail) String() string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(t.kept), "?"))
	return strings.TrimSpace(clean)
}
