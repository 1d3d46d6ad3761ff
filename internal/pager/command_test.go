package pager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

func runCommand(t *testing.T, role string, timeout time.Duration) (file string, err error) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "out")
	c := newCommand(ReceiverConfig{Command: []string{testproc.Self(), file}, Timeout: config.Duration(timeout)}, as(role))
	l := newLedger("h1", "shop", half, time.Now())
	return file, c.send(t.Context(), l.apply(event.Record{Time: time.Now(), Event: event.PoolEmpty{Pool: "a"}}))
}

func TestCommandGetsThePage(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	t.Setenv("LISTEN_FDS", "3")
	file, err := runCommand(t, "take", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "\x00")
	var p Page
	if err := json.Unmarshal([]byte(parts[0]), &p); err != nil || p.Key != "reeve/h1/shop/pool_empty/a" {
		t.Errorf("standard input: %v %q", err, parts[0])
	}
	for _, want := range []string{"REEVE_PAGE_KEY=reeve/h1/shop/pool_empty/a", "REEVE_PAGE_STATE=firing", "REEVE_PAGE_SEVERITY=critical", "REEVE_PAGE_SUBJECT=a"} {
		if !slices.Contains(parts, want) {
			t.Errorf("no %s in %q", want, parts[1:])
		}
	}
	for _, kv := range parts[1:] {
		if strings.HasPrefix(kv, "NOTIFY_") || strings.HasPrefix(kv, "LISTEN_") {
			t.Errorf("%s was handed on", kv)
		}
	}
}

func TestCommandThatFailsSaysWhy(t *testing.T) {
	_, err := runCommand(t, "refuse", time.Minute)
	if err == nil || !strings.Contains(err.Error(), "exit status 3: no service") {
		t.Errorf("%v", err)
	}
	var no *refusal
	if errors.As(err, &no) {
		t.Error("an exit code is final; it must be tried again")
	}
}

func TestCommandThatDoesNotExist(t *testing.T) {
	c := newCommand(ReceiverConfig{Command: []string{"/nonexistent/pager"}, Timeout: config.Duration(time.Minute)}, nil)
	if err := c.send(t.Context(), []Page{{}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A program that ignores TERM and its child are gone when send returns.
func TestCommandIsKilledWithItsGroup(t *testing.T) {
	file, err := runCommand(t, "hang", 2*time.Second)
	if err == nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	var leader, other int
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the program did not come to its point before the timeout: %v", err)
	}
	fmt.Sscan(string(text), &leader, &other)
	if err := syscall.Kill(leader, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the program was not reaped: %v", err)
	}
	awaitDead(t, other)
}

func TestCommandsLeftoversAreKilled(t *testing.T) {
	file, err := runCommand(t, "leave", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	text, _ := os.ReadFile(file)
	fmt.Sscan(string(text), &pid)
	if pid == 0 {
		t.Fatal("nothing was left behind")
	}
	awaitDead(t, pid)
}

// awaitDead waits for a process that is not ours to be dead or a zombie.
func awaitDead(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("process %d lives: %s", pid, stat)
		}
	}
}

// However many pages there are, one receiver runs one program at a time.
func TestOneCommandAtATime(t *testing.T) {
	var running, most atomic.Int32
	c := newCommand(ReceiverConfig{Command: []string{"x"}, Timeout: config.Duration(time.Minute)}, func(*exec.Cmd) error {
		most.Store(max(most.Load(), running.Add(1)))
		runtime.Gosched()
		running.Add(-1)
		return errors.New("counted")
	})
	done := make(chan struct{}, 50) // one for each send
	for range 50 {
		go func() { c.send(t.Context(), []Page{{}}); done <- struct{}{} }()
	}
	for range 50 {
		<-done
	}
	if most.Load() != 1 {
		t.Errorf("%d at a time", most.Load())
	}
	// And one that waits for its turn does not wait longer than its timeout.
	c.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.send(ctx, []Page{{}}); err == nil || !strings.Contains(err.Error(), "still runs") {
		t.Errorf("%v", err)
	}
}
