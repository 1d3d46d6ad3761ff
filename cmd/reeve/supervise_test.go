//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
	"github.com/reeveproxy/reeve/rlimit"
	"github.com/reeveproxy/reeve/supervisor"
)

// startRole runs reeve over the test binary in a role.
func startRole(t testing.TB, role string, env []string, flags ...string) *reeve {
	t.Helper()
	args := append([]string{"run", "--admin", "off"}, flags...)
	args = append(args, "--", "env", testproc.Env(role))
	args = append(args, env...)
	return start(t, append(args, testproc.Self())...)
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// awaitGone waits until no process has the pid, or it is a zombie whose parent
// is slow.
func awaitGone(t testing.TB, pid int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for alive(pid) && !zombie(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there after %v", pid, patience)
		}
		time.Sleep(10 * time.Millisecond) // the kernel offers no event for a process that is not ours
	}
}

func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestAChildThatExitsAtOnceIsRestartedWithGrowingPauses(t *testing.T) {
	r := startRole(t, "exit-at-once", nil)
	first := r.await("child_backed_off", nil)
	died := r.await("child_died", nil)
	if died.text("status") != "exit 3" || !strings.Contains(died.text("last_words"), "cannot open /etc/thing.conf") {
		t.Errorf("death is told as %v", died.Attrs)
	}
	if path := died.text("post_mortem"); path == "" {
		t.Error("no post-mortem")
	} else if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "/etc/thing.conf") {
		t.Errorf("post-mortem %s: %v\n%s", path, err, text)
	}
	third := r.await("child_backed_off", func(l journalLine) bool { return l.number("failures") == 3 })
	a, err1 := time.ParseDuration(first.text("wait"))
	b, err2 := time.ParseDuration(third.text("wait"))
	if err1 != nil || err2 != nil || a < 500*time.Millisecond || b < 2*time.Second {
		t.Errorf("waits are %v and %v, want 500 ms and four times that at least", a, b)
	}
	if r.report().Ready {
		t.Error("ready with a child that dies at once")
	}
}

func TestGiveUpExits10(t *testing.T) {
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: exit-at-once}}
supervisor: {rest_after: 0, give_up_after: 2, backoff: {initial: 10ms, max: 20ms}}
`, testproc.Self()))
	r := start(t, "run", "-c", path)
	if code := r.exit(); code != supervisor.ExitGaveUp {
		t.Fatalf("exit %d, want %d", code, supervisor.ExitGaveUp)
	}
	if !r.seen("child_given_up") {
		t.Error("giving up was not told")
	}
}

func TestTheChildsExitCodeIsReevesWhenItMustNotRestart(t *testing.T) {
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: exit-at-once}}
supervisor: {restart: never}
`, testproc.Self()))
	if code := start(t, "run", "-c", path).exit(); code != 3 {
		t.Fatalf("exit %d, want the child's 3", code)
	}
}

func TestAChildThatIgnoresTermIsKilledAtTheDeadline(t *testing.T) {
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: ignore-term}}
supervisor: {stop_timeout: 300ms}
`, testproc.Self()))
	r := start(t, "run", "-c", path)
	pid := int(r.await("child_ready", nil).number("pid"))
	r.signal(syscall.SIGTERM)
	if code := r.exit(); code != 0 {
		t.Errorf("exit %d after an asked-for stop", code)
	}
	if !r.seen("child_killed") {
		t.Error("the kill was not told")
	}
	awaitGone(t, pid)
}

func TestASecondSignalHurriesTheStop(t *testing.T) {
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q], env: {REEVE_TEST_ROLE: ignore-term}}
supervisor: {stop_timeout: 1h}
`, testproc.Self()))
	r := start(t, "run", "-c", path)
	r.await("child_ready", nil)
	r.signal(syscall.SIGINT)
	r.await("child_stopping", nil)
	r.signal(syscall.SIGINT)
	if code := r.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestSignalsMeanWhatTheyShould(t *testing.T) {
	r := startRole(t, "sleeper", nil)
	first := r.await("child_ready", nil)
	for _, s := range []syscall.Signal{syscall.SIGURG, syscall.SIGPIPE, syscall.SIGCHLD, syscall.SIGWINCH} {
		r.signal(s)
	}
	r.signal(syscall.SIGUSR2)
	second := r.await("child_ready", func(l journalLine) bool { return l.number("life") == 2 })
	if first.text("pid") == second.text("pid") {
		t.Error("USR2 did not restart the child")
	}
	stopped := r.await("child_stopped", nil)
	if stopped.text("cause") != "asked" {
		t.Errorf("the first life ended for %q, want the operator's word alone", stopped.text("cause"))
	}
	r.signal(syscall.SIGQUIT)
	if code := r.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestAReeveThatIsKilledLeavesNoProxyBehind(t *testing.T) {
	r := startRole(t, "ignore-term", nil)
	pid := int(r.await("child_ready", nil).number("pid"))
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, pid)
}

// As PID 1 of its own namespace reeve collects orphans, gives the child's own
// exit code, and leaves nothing when a child forks and goes.
func TestAsPID1NothingIsLeftBehind(t *testing.T) {
	testproc.NeedRoot(t)
	unshare := testproc.Need(t, "unshare")
	state := t.TempDir()
	cmd := exec.Command(unshare, "--kill-child", "-pf", "--mount-proc", binary(t), "run", "--admin", "off", "--state", state, "--",
		"env", testproc.Env("fork-and-leave"), testproc.Self())
	cmd.Env = append(os.Environ(), "REEVE_JOURNAL=json")
	r := &reeve{t: t, state: state, cmd: cmd, done: make(chan struct{}), wake: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go r.read(stderr)
	t.Cleanup(func() { cmd.Process.Kill(); <-r.done })
	r.await("child_died", func(l journalLine) bool { return l.text("status") == "exit 0" && l.number("life") == 2 })
	if r.seen("tree_survived") {
		t.Errorf("a process survived:\n%s", r.journal())
	}
	// The first life's daemon must be gone by the time the second has died.
	if left := sleepers(t, state); left > 1 {
		t.Errorf("%d daemons live, want at most the newest life's", left)
	}
}

// sleepers counts processes of this test binary in the role that daemons play.
func sleepers(t *testing.T, _ string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && strings.Contains(string(env), "REEVE_TEST_ROLE=e2e-daemon") {
			n++
		}
	}
	return n
}

func TestLimitsAreSetBeforeExecAndShown(t *testing.T) {
	r := startRole(t, "sleeper", nil, "--limit", "nofile=512:1024", "--limit", "core=0", "--limit", "stack=16MiB", "--limit", "cpu=3600:7200")
	life := r.await("child_ready", nil)
	r.await("limits_verified", func(l journalLine) bool { return l.number("count") == 4 })
	have, err := rlimit.Read(int(life.number("pid")))
	if err != nil {
		t.Fatal(err)
	}
	if n := have[rlimit.NoFile]; n.Hard != 1024 {
		t.Errorf("nofile is %v, want a hard limit of 1024", n)
	}
	for _, row := range r.report().Limits {
		if row.Want != row.Real && row.Name != "nofile" { // a Go child raises its soft limit by itself
			t.Errorf("limit %s: want %s, real %s", row.Name, row.Want, row.Real)
		}
	}
	if text := r.verb("status"); !strings.Contains(text, "want 512:1024") {
		t.Errorf("status does not show the limit:\n%s", text)
	}
}

func TestALimitThatIsNotHeldPages(t *testing.T) {
	hub := new(event.Hub)
	set, err := rlimit.ParseFlags([]string{"nofile=5:5"})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{hub: hub, limits: set}
	h.verifyLimits(supervisor.Life{Number: 7, PID: os.Getpid()})
	rec, ok := hub.Cursor().TryNext()
	e, _ := rec.Event.(event.LimitMismatched)
	if !ok || e.Limit != "nofile" || e.Life != 7 || e.Want != "5" {
		t.Fatalf("told %+v", rec.Event)
	}
	if d, _ := event.Lookup(e.Kind()); !d.Pages {
		t.Error("a limit that is not held does not page")
	}
}

func TestExecIsUsableAlone(t *testing.T) {
	out, err := exec.Command(binary(t), "exec", "--limit", "nofile=300:400", "--limit", "as=8GiB", "--", "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -v").CombinedOutput()
	if err != nil || string(out) != "300\n400\n8388608\n" {
		t.Fatalf("%v: %q", err, out)
	}
	var status *exec.ExitError
	for want, program := range map[int]string{127: "no-such-program-at-all", 126: "/etc/passwd"} {
		if err := exec.Command(binary(t), "exec", "--", program).Run(); !errors.As(err, &status) || status.ExitCode() != want {
			t.Errorf("exec %s: %v, want exit %d", program, err, want)
		}
	}
}
