package pager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// command runs a program for each page. One receiver runs at most one at a
// time, so that a storm of events cannot become a storm of processes.
type command struct {
	argv    []string
	timeout time.Duration
	start   func(*exec.Cmd) error
	turn    chan struct{} // capacity 1: whoever holds the token runs the program
}

func newCommand(c ReceiverConfig, start func(*exec.Cmd) error) *command {
	if start == nil {
		start = (*exec.Cmd).Start
	}
	return &command{argv: c.Command, timeout: c.Timeout.Std(), start: start, turn: make(chan struct{}, 1)}
}

// target is the program only: arguments may carry a secret.
func (c *command) target() string { return c.argv[0] }

func (c *command) send(ctx context.Context, pages []Page) error {
	p := digest(pages)
	text, err := json.Marshal(p)
	if err != nil {
		return &refusal{fmt.Errorf("encode page: %w", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return fmt.Errorf("run %s: the one before still runs: %w", c.argv[0], ctx.Err())
	}
	return c.run(ctx, p, append(text, '\n'))
}

// run starts the program in a process group of its own and ends the group with
// it: what it left behind would pile up page after page.
func (c *command) run(ctx context.Context, p Page, stdin []byte) error {
	said := &tail{}
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Env = append(environ(), pageVars(p)...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
	// A grandchild that left the group may hold the pipes: do not wait for it.
	cmd.WaitDelay = time.Second
	if err := c.start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", c.argv[0], err)
	}
	err := cmd.Wait()
	_ = killGroup(cmd)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("run %s: killed after %s: %w", c.argv[0], c.timeout, ctx.Err())
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // it ended well; somebody else holds its output
	case err != nil:
		return fmt.Errorf("run %s: %w: %s", c.argv[0], err, said)
	}
	return nil
}

func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// pageVars is the page for a program that does not read JSON.
func pageVars(p Page) []string {
	return []string{
		"REEVE_PAGE_KEY=" + clean(p.Key), "REEVE_PAGE_STATE=" + p.State, "REEVE_PAGE_KIND=" + p.Kind,
		"REEVE_PAGE_SUBJECT=" + clean(p.Subject), "REEVE_PAGE_SEVERITY=" + p.Severity,
		"REEVE_PAGE_HOST=" + clean(p.Host), "REEVE_PAGE_SERVICE=" + clean(p.Service),
		"REEVE_PAGE_SUMMARY=" + clean(p.Summary), "REEVE_PAGE_DO=" + p.Do,
		"REEVE_PAGE_SINCE=" + p.Since.UTC().Format(time.RFC3339), "REEVE_PAGE_COUNT=" + strconv.Itoa(p.Count),
	}
}

// clean keeps a NUL in a fact from making the program impossible to start.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// environ is reeve's own without what is meant for reeve alone: a program that
// said READY=1 in reeve's name would lie to the system manager.
func environ() []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case name == "NOTIFY_SOCKET", name == "WATCHDOG_PID", name == "WATCHDOG_USEC",
			strings.HasPrefix(name, "LISTEN_"), name == "REEVE_EVENTS_FD", name == "REEVE_SCOREBOARD_FD":
		default:
			out = append(out, kv)
		}
	}
	return out
}

// tail keeps the last 200 bytes that a program said.
type tail struct{ b []byte }

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 200 {
		t.b = append(t.b[:0], t.b[len(t.b)-200:]...)
	}
	return len(p), nil
}

// String is one line.
func (t *tail) String() string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(t.b), "")), " ")
}
