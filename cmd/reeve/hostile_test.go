//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
	"golang.org/x/sys/unix"
)

// Nobody reads standard error and its pipe is full: reeve serves on, and stops
// when it is told to.
func TestAFullStandardErrorKeepsReeveFromNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprintf("full from the start %v", full), func(t *testing.T) {
			state := t.TempDir()
			path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: exit-at-once}}
supervisor: {rest_after: 0, backoff: {initial: 1ms, factor: 1, max: 1ms}}
`, testproc.Self()))
			if full {
				fillPipe(t, w)
			} else if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(binary(t), "run", "-c", path)
			cmd.Env = append(os.Environ(), "REEVE_STATE="+state)
			cmd.Stderr = w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			defer cmd.Process.Kill()
			for deadline := time.Now().Add(patience); ; {
				out, code := runVerbIn(t, state, "status", "--json")
				if code == 0 && restarts(out) > 50 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("reeve does not go on: %s", out)
				}
			}
			cmd.Process.Signal(syscall.SIGTERM)
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("ended with %v", err)
				}
			case <-time.After(patience):
				t.Error("reeve does not stop")
			}
		})
	}
}

func restarts(status string) int {
	_, after, _ := strings.Cut(status, `"restarts":`)
	n := 0
	fmt.Sscan(strings.TrimLeft(after, " "), &n)
	return n
}

// fillPipe writes until nothing more fits.
func fillPipe(t *testing.T, w *os.File) {
	t.Helper()
	fd := int(w.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for {
		if _, err := unix.Write(fd, block); err != nil {
			break
		}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}

// A reload that comes while a life is starting reaches it when it listens, and
// kills nothing.
func TestReloadsDuringRestartsKillNoLife(t *testing.T) {
	r, _ := startProxy(t, sampleMembers(t, 1), "")
	for range 10 {
		r.verb("restart")
		r.verb("reload")
	}
	r.signal(syscall.SIGTERM)
	if code := r.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if r.seen("child_died") {
		t.Errorf("a life died:\n%s", r.journal())
	}
}

// An upgrade replaces the program's file under a running reeve: the next life
// starts all the same.
func TestTheProxyRestartsWhenTheProgramsFileIsGone(t *testing.T) {
	copied := filepath.Join(t.TempDir(), "reeve")
	text, err := os.ReadFile(binary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, text, 0o755); err != nil {
		t.Fatal(err)
	}
	path := write(t, t.TempDir(), "reeve.yaml", strings.Replace(builtinHead, "127.0.0.1:0", freeAddr(t), 1))
	r := startProgram(t, copied, t.TempDir(), "run", "-c", path)
	r.await("child_ready", nil)
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	r.verb("restart")
	r.await("child_ready", func(l journalLine) bool { return l.number("life") == 2 })
}

// reeve's own probes ask the status page, so its path cannot move under them.
func TestAReloadThatWouldBlindTheProbesIsRefused(t *testing.T) {
	dir := t.TempDir()
	text := strings.Replace(builtinHead, "127.0.0.1:0", freeAddr(t), 1)
	path := write(t, dir, "reeve.yaml", text)
	r := start(t, "run", "-c", path)
	r.await("child_ready", nil)
	write(t, dir, "reeve.yaml", text+"    status_path: /elsewhere\n")
	if out, code := r.tryVerb("reload"); code == 0 || !strings.Contains(out, "status_path") {
		t.Errorf("exit %d, %s", code, out)
	}
	r.await("config_refused", nil)
}
