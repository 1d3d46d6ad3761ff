package pager

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"take":    take,
		"refuse":  func() int { fmt.Fprintln(os.Stderr, "no\nservice"); return 3 },
		"hang":    hang,
		"leave":   leave,
		"sleeper": sleeper,
	})
}

// take writes what it was given to the file of its first argument.
func take() int {
	text, _ := io.ReadAll(os.Stdin)
	var vars []string
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "REEVE_PAGE_") || strings.HasPrefix(kv, "NOTIFY_") || strings.HasPrefix(kv, "LISTEN_") {
			vars = append(vars, kv)
		}
	}
	out := string(text) + "\x00" + strings.Join(vars, "\x00")
	if err := os.WriteFile(os.Args[1], []byte(out), 0o600); err != nil {
		return 1
	}
	return 0
}

// hang ignores TERM, starts a process that does too, says so by a file whose
// name is its first argument, and never ends.
func hang() int {
	signal.Ignore(syscall.SIGTERM)
	pid := spawnSleeper()
	if err := os.WriteFile(os.Args[1], fmt.Appendf(nil, "%d %d", os.Getpid(), pid), 0o600); err != nil {
		return 1
	}
	select {}
}

// leave ends well and leaves a process behind that holds its output.
func leave() int {
	pid := spawnSleeper()
	if err := os.WriteFile(os.Args[1], fmt.Append(nil, pid), 0o600); err != nil {
		return 1
	}
	return 0
}

func spawnSleeper() int {
	cmd := testproc.Command("sleeper")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0
	}
	return cmd.Process.Pid
}

func sleeper() int {
	signal.Ignore(syscall.SIGTERM)
	select {}
}

// as gives the command of a receiver that plays a role, by the seam that a PID
// 1 uses to register its children.
func as(role string) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
		cmd.Env = append(cmd.Env, testproc.Env(role))
		return cmd.Start()
	}
}
