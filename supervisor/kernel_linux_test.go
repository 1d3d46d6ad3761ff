package supervisor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

func pidOf(t *testing.T, text string) int {
	t.Helper()
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("want a pid: %v", err)
	}
	return pid
}

func TestRealStopObeyed(t *testing.T) {
	b := supervise(t, "serve", nil)
	pid := pidOf(t, b.says("up "))
	if st, ok := statOf(pid); !ok || st.group != pid {
		t.Errorf("child %d is in group %d, want its own", pid, st.group)
	}
	await[event.ChildLaunched](b, nil)
	if err := b.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	b.says("got hangup")
	b.Stop("test")
	b.says("bye")
	if err := b.ends(); err != nil {
		t.Fatal(err)
	}
	st := event.Of[event.ChildStopped](b.events)
	if len(st) != 1 || st[0].Status != "exit 0" || st[0].PID != pid {
		t.Errorf("stopped: %+v", st)
	}
}

func TestRealExitAtOnceBacksOff(t *testing.T) {
	b := supervise(t, "exit", func(o *Options) { o.Argv = append(o.Argv, "3") })
	e := await[event.ChildBackedOff](b, func(e event.ChildBackedOff) bool { return e.Failures == 4 })
	if e.Life != 4 {
		t.Errorf("%+v", e)
	}
	for i, d := range event.Of[event.ChildDied](b.events) {
		if d.Status != "exit 3" || d.Life != uint64(i+1) {
			t.Errorf("%+v", d)
		}
	}
}

func TestRealTermIgnored(t *testing.T) {
	b := supervise(t, "ignore-term", func(o *Options) { o.Config.StopTimeout = config.Duration(50 * time.Millisecond) })
	b.says("up ")
	b.Stop("test")
	if err := b.ends(); err != nil {
		t.Fatal(err)
	}
	if st := event.Of[event.ChildStopped](b.events); len(st) != 1 || st[0].Status != "signal KILL" {
		t.Errorf("stopped: %+v", st)
	}
	if len(event.Of[event.ChildKilled](b.events)) != 1 {
		t.Error("nobody told that it was killed")
	}
}

// A stopped process gets its TERM because CONT follows it.
func TestRealStoppedProcessIsStopped(t *testing.T) {
	b := supervise(t, "serve", nil)
	pid := pidOf(t, b.says("up "))
	syscall.Kill(pid, syscall.SIGSTOP)
	until(t, "the child is stopped", func() bool { st, _ := statOf(pid); return st.state == 'T' })
	b.Stop("test")
	if err := b.ends(); err != nil {
		t.Fatal(err)
	}
	if st := event.Of[event.ChildStopped](b.events); st[0].Status != "exit 0" {
		t.Errorf("stopped: %+v", st)
	}
}

// Neither a stop nor a death leaves anybody behind, in whatever session.
func TestRealNobodyIsLeft(t *testing.T) {
	t.Run("stop", func(t *testing.T) {
		b := supervise(t, "daemonise", nil)
		one, two := pidOf(t, b.says("up ")), pidOf(t, b.says("up "))
		b.Stop("test")
		if err := b.ends(); err != nil {
			t.Fatal(err)
		}
		if !gone(one) || !gone(two) {
			t.Error("a process of the child lives on")
		}
	})
	for _, role := range []string{"leave", "hold-stdout"} {
		t.Run(role, func(t *testing.T) {
			b := supervise(t, role, nil)
			// The next life comes although somebody deaf holds the pipe of the last.
			await(b, func(e event.ChildLaunched) bool { return e.Life == 3 })
			b.Stop("test")
			if err := b.ends(); err != nil {
				t.Fatal(err)
			}
			if left := childList(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if d := event.Of[event.ChildDied](b.events); d[0].Left != 1 {
				t.Errorf("left %d, want 1", d[0].Left)
			}
			if s := event.Of[event.TreeSurvived](b.events); len(s) > 0 {
				t.Errorf("survived: %+v", s)
			}
		})
	}
}

// Commands of reeve's own are neither swept with the child nor robbed of their
// exit status.
func TestRealSweepSparesOurCommands(t *testing.T) {
	reaper := NewReaper(nil)
	cmd := testproc.Command("serve")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reaper.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	b := supervise(t, "leave", func(o *Options) { o.Reaper = reaper })
	await(b, func(e event.ChildLaunched) bool { return e.Life == 3 })
	b.Stop("test")
	if err := b.ends(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("our command: %v", err)
	}
	reaper.forget()
	if n := len(reaper.own); n != 0 {
		t.Errorf("%d registrations left", n)
	}
}

// When the supervisor is killed the kernel kills the child, also one that went
// through a shim and whose exec was done by any thread.
func TestRealKilledSupervisorTakesTheChildWithIt(t *testing.T) {
	for _, how := range [][]string{{"ignore-term"}, {"ignore-term", "shim"}} {
		t.Run(how[len(how)-1], func(t *testing.T) {
			cmd := testproc.Command("supervise", how...)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid := pidOf(t, strings.TrimSpace(strings.TrimPrefix(line, "up ")))
			cmd.Process.Kill()
			cmd.Wait()
			until(t, "the child is gone", func() bool { return gone(pid) })
		})
	}
}

func TestRealInit(t *testing.T) {
	testproc.NeedRoot(t)
	unshare := testproc.Need(t, "unshare")
	cmd := exec.Command(unshare, "-pf", "--mount-proc", testproc.Self())
	cmd.Env = append(os.Environ(), testproc.Env("init"))
	out, err := cmd.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var bad []string
	for _, l := range lines {
		if !strings.HasPrefix(l, "up ") && l != "bye" && !strings.HasPrefix(l, "init done: pid 1, ") {
			bad = append(bad, l)
		}
	}
	if err != nil || len(bad) > 0 || !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "init done") }) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Where orphans cannot be found the process group is ended all the same.
func TestRealGroupWithoutASubreaper(t *testing.T) {
	var reaper *Reaper
	b := supervise(t, "pair", func(o *Options) {
		reaper = NewReaper(nil)
		reaper.sub = false
		o.Reaper = reaper
	})
	one, two := pidOf(t, b.says("up ")), pidOf(t, b.says("up "))
	if got := b.Status().Guarantee; got != "group" {
		t.Errorf("guarantee %q", got)
	}
	b.Stop("test")
	if err := b.ends(); err != nil {
		t.Fatal(err)
	}
	until(t, "the group is gone", func() bool { return gone(one) && gone(two) })
	until(t, "the dead are collected", func() bool { reaper.reap(); return len(childList()) == 0 })
}

// A connection that is made while no child lives is answered by the next life.
func TestRealConnectionsWaitForTheNextLife(t *testing.T) {
	l, err := Listen(ListenConfig{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // after the supervisor has ended
	b := supervise(t, "accept", func(o *Options) {
		o.Listeners = []*Listener{l}
		o.Config.Backoff.Initial = config.Duration(time.Hour)
		o.Config.Backoff.Max = config.Duration(time.Hour)
	})
	ask := func(conn net.Conn) int {
		t.Helper()
		defer conn.Close()
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		line, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return pidOf(t, strings.TrimSpace(string(line)))
	}
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	pid := pidOf(t, b.says("up "))
	if got := ask(dial()); got != pid {
		t.Errorf("answered by %d, want %d", got, pid)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	await[event.ChildBackedOff](b, nil)
	var conns []net.Conn
	for range 100 {
		conns = append(conns, dial())
	}
	b.Restart("test")
	next := pidOf(t, b.says("up "))
	for _, c := range conns {
		if got := ask(c); got != next || got == pid {
			t.Errorf("answered by %d, want %d", got, next)
		}
	}
}

func TestRealNotify(t *testing.T) {
	b := supervise(t, "notify", func(o *Options) { o.ReadyBy = ReadyByNotify })
	e := await[event.ChildReady](b, nil)
	if e.By != "notify" {
		t.Errorf("%+v", e)
	}
	until(t, "the status text is known", func() bool { return b.Status().Text == "serving 1 client" })
	// A stranger's word does not count: this test is the child's parent.
	conn, err := net.Dial("unixgram", b.host.notify.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "STATUS=hacked\nWATCHDOG=trigger")
	refused := await[event.NotifyRefused](b, nil)
	if refused.PID != os.Getpid() {
		t.Errorf("%+v", refused)
	}
	if st := b.Status(); st.Text != "serving 1 client" || st.Refused != 1 || !st.Ready {
		t.Errorf("status %+v", st)
	}
}

// A datagram that is read while a fork is under way is judged after it.
func TestNotifyWaitsForTheFork(t *testing.T) {
	s, err := New(Options{Config: config.Default[Config](), Argv: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	s.host.reaper.mu.Lock()
	judged := make(chan struct{})
	go func() {
		defer close(judged)
		oob := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid())})
		s.host.notify.take([]byte("READY=1"), oob, 0)
	}()
	select {
	case <-judged:
		t.Error("judged before the fork told its pid")
	case <-time.After(20 * time.Millisecond): // can only be too short to find fault
	}
	s.host.notify.expect(1, os.Getpid())
	s.host.reaper.mu.Unlock()
	<-judged
	if len(s.inbox) != 1 || s.host.notify.refused.Load() != 0 {
		t.Error("the child's own word was refused")
	}
}

// The barrier of sd_notify waits until its descriptor is closed.
func TestRealNotifyBarrier(t *testing.T) {
	b := supervise(t, "serve", nil)
	b.says("up ")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	await[event.ChildLaunched](b, nil)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrUnix{Name: b.host.notify.addr}
	if err := unix.Sendmsg(fd, []byte("BARRIER=1"), unix.UnixRights(int(w.Fd())), to, 0); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the barrier is not lifted: %v", err)
	}
}

// Run ends what it began.
func TestRealRunLeavesNoGoroutine(t *testing.T) {
	warm := supervise(t, "serve", nil)
	warm.says("up ")
	warm.Stop("test")
	warm.ends()
	before := runtime.NumGoroutine()
	b := supervise(t, "notify", func(o *Options) {
		o.ReadyBy = ReadyByNotify
		o.Config.Watchdog = config.Duration(time.Hour)
		o.Guards = []Guard{{Name: "idle", Watch: func(ctx context.Context, _ Life) error { <-ctx.Done(); return nil }}}
	})
	await[event.ChildReady](b, nil)
	b.Restart("test")
	await(b, func(e event.ChildReady) bool { return e.Life == 2 })
	b.Stop("test")
	b.ends()
	until(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func BenchmarkLife(b *testing.B) {
	program := testproc.Need(b, "true")
	s, err := New(Options{Config: config.Default[Config](), Argv: []string{program}})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.host.start(); err != nil {
		b.Fatal(err)
	}
	defer s.host.stop()
	for b.Loop() {
		_, p, err := s.host.launch(b.Context(), 1)
		if err != nil {
			b.Fatal(err)
		}
		p.Wait()
		p.Sweep(nil)
	}
}

// A hundred lives end without a descriptor, goroutine or process left.
func TestRealManyLivesLeaveNothing(t *testing.T) {
	lives := uint64(100)
	fds := func() int { e, _ := os.ReadDir("/proc/self/fd"); return len(e) }
	b := supervise(t, "exit", func(o *Options) {
		shimmed("exit")(o)
		o.Config.Backoff = Backoff{Initial: config.Duration(time.Millisecond), Factor: 1, Max: config.Duration(time.Millisecond)}
		o.Config.RestAfter = 0
	})
	await(b, func(e event.ChildBackedOff) bool { return e.Life == 5 })
	f0, g0 := fds(), runtime.NumGoroutine()
	await(b, func(e event.ChildBackedOff) bool { return e.Life == lives })
	for _, d := range event.Of[event.ChildDied](b.events) {
		if d.Status != "exit 0" {
			t.Fatalf("%+v", d)
		}
	}
	b.Stop("test")
	b.ends()
	until(t, "descriptors and goroutines are given back", func() bool { return fds() <= f0+2 && runtime.NumGoroutine() <= g0+2 })
}

func TestPostMortemOfARealDeath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deaths")
	b := supervise(t, "hold-stdout", func(o *Options) {
		o.PostMortemDir = dir
		o.Config.PostMortems = 3
		o.LastWords = func() []string { return []string{"panic: all is lost"} }
	})
	await(b, func(e event.ChildBackedOff) bool { return e.Life == 5 })
	b.Stop("test")
	b.ends()
	died := event.Of[event.ChildDied](b.events)
	if d := died[4]; d.LastWords != "panic: all is lost" || d.Status != "signal KILL" {
		t.Errorf("%+v", d)
	}
	text, err := os.ReadFile(died[4].PostMortem)
	if err != nil || !strings.Contains(string(text), `"signal": "KILL"`) {
		t.Errorf("%v\n%s", err, text)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("%d reports kept, want 3", len(entries))
	}
}

func TestPostMortemThatCannotBeWrittenStopsNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := supervise(t, "exit", func(o *Options) { o.PostMortemDir = file })
	if e := await(b, func(e event.ChildDied) bool { return e.Life == 3 }); e.PostMortem != "" {
		t.Errorf("%+v", e)
	}
}
