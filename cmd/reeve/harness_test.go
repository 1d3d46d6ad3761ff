//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
)

// patience bounds every wait of these tests. It is not a speed that is
// asserted, only the point at which a hang is called a hang.
const patience = 60 * time.Second

// reeveBinary builds the program under test once for the whole run.
var reeveBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "reeve-e2e-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "reeve")
	args := append([]string{"build", "-o", bin}, raceFlags...)
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build reeve: %w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	// A program built with the race detector sleeps for a second at its exit.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	testproc.Main(m, testproc.Roles{
		"flood":       floodRole,
		"ignore-term": ignoreTermRole,
		"exit-at-once": func() int {
			fmt.Fprintln(os.Stderr, "cannot open /etc/thing.conf")
			return 3
		},
		"fork-and-leave": forkAndLeaveRole,
		"print-limits":   printLimitsRole,
		"sleeper":        sleeperRole,
		"e2e-daemon":     sleeperRole,
		"server":         serverRole,
		"drip":           dripRole,
	})
}

// binary is the path of the program under test.
func binary(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		testproc.Lack(t, "needs the go command to build reeve")
	}
	bin, err := reeveBinary()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// reeve is one run of the program, with its events as they come.
type reeve struct {
	t     testing.TB
	cmd   *exec.Cmd
	state string

	mu     sync.Mutex
	events []journalLine
	wake   chan struct{}
	log    bytes.Buffer
	done   chan struct{}
	err    error
}

// journalLine is one line of the JSON journal.
type journalLine struct {
	Kind  string
	Attrs map[string]any
}

// text is an attribute as a string, "" where there is none.
func (l journalLine) text(key string) string {
	if v, ok := l.Attrs[key]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// start runs reeve with a JSON journal and a state folder of its own.
func start(t testing.TB, args ...string) *reeve { return startIn(t, t.TempDir(), args...) }

func startIn(t testing.TB, state string, args ...string) *reeve {
	t.Helper()
	return startProgram(t, binary(t), state, args...)
}

func startProgram(t testing.TB, program, state string, args ...string) *reeve {
	t.Helper()
	r := &reeve{t: t, state: state, done: make(chan struct{}), wake: make(chan struct{})}
	r.cmd = exec.Command(program, args...)
	r.cmd.Env = append(os.Environ(), "REEVE_STATE="+state, "REEVE_JOURNAL=json")
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go r.read(stderr)
	t.Cleanup(func() {
		r.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-r.done:
		case <-time.After(patience):
			r.cmd.Process.Kill()
			<-r.done
		}
		if t.Failed() {
			t.Logf("journal of reeve:\n%s", r.journal())
		}
	})
	return r
}

func (r *reeve) read(stderr io.Reader) {
	in := bufio.NewReaderSize(stderr, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		r.take(line)
		if err != nil {
			break
		}
	}
	r.err = r.cmd.Wait()
	close(r.done)
}

func (r *reeve) take(line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Write(line)
	var m map[string]any
	if json.Unmarshal(line, &m) != nil {
		return
	}
	kind, _ := m["msg"].(string)
	r.events = append(r.events, journalLine{Kind: kind, Attrs: m})
	close(r.wake)
	r.wake = make(chan struct{})
}

func (r *reeve) journal() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// await returns the first event of the kind that match accepts (nil: any),
// also one that came before the call.
func (r *reeve) await(kind string, match func(journalLine) bool) journalLine {
	r.t.Helper()
	return r.awaitAfter(0, kind, match)
}

// mark is the number of events so far, for awaitAfter.
func (r *reeve) mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

func (r *reeve) awaitAfter(from int, kind string, match func(journalLine) bool) journalLine {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		r.mu.Lock()
		pending, wake := r.events[from:], r.wake
		from = len(r.events)
		r.mu.Unlock()
		for _, e := range pending {
			if e.Kind == kind && (match == nil || match(e)) {
				return e
			}
		}
		select {
		case <-wake:
		case <-r.done:
			if r.mark() > from {
				continue
			}
			r.t.Fatalf("reeve ended (%v) before %s\n%s", r.err, kind, r.journal())
		case <-timeout:
			r.t.Fatalf("no %s within %v\n%s", kind, patience, r.journal())
		}
	}
}

// seen reports whether an event of the kind has happened.
func (r *reeve) seen(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// signal sends reeve a signal.
func (r *reeve) signal(s os.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// exit waits for reeve's end and returns its exit code.
func (r *reeve) exit() int {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(patience):
		r.t.Fatalf("reeve did not end within %v\n%s", patience, r.journal())
	}
	var status *exec.ExitError
	if errors.As(r.err, &status) {
		return status.ExitCode()
	}
	return 0
}

// verb runs a client verb against this reeve and returns what it printed.
func (r *reeve) verb(args ...string) string {
	r.t.Helper()
	out, code := r.tryVerb(args...)
	if code != 0 {
		r.t.Fatalf("reeve %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

func (r *reeve) tryVerb(args ...string) (string, int) {
	r.t.Helper()
	return runVerbIn(r.t, r.state, args...)
}

func runVerbIn(t testing.TB, state string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t), args...)
	cmd.Env = append(os.Environ(), "REEVE_STATE="+state)
	out, err := cmd.CombinedOutput()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Fatalf("run reeve %v: %v", args, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// freeAddr is a loopback address that nobody listens on just now.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", testproc.Loopback()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// write puts a configuration into a file of the test's folder.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// get asks a URL over a connection of its own.
func get(t testing.TB, url string) (int, string) {
	t.Helper()
	code, body, err := tryGet(url)
	if err != nil {
		t.Fatal(err)
	}
	return code, body
}

func tryGet(url string) (int, string, error) {
	client := http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// pid is reeve's own, as text.
func (r *reeve) pid() string { return fmt.Sprint(r.cmd.Process.Pid) }

// number is a numeric attribute, 0 where there is none.
func (l journalLine) number(key string) float64 {
	n, _ := l.Attrs[key].(float64)
	return n
}

// report is what `reeve status --json` says.
func (r *reeve) report() Report {
	r.t.Helper()
	var out Report
	if err := json.Unmarshal([]byte(r.verb("status", "--json")), &out); err != nil {
		r.t.Fatal(err)
	}
	return out
}
