package supervisor

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	// Children built with the race detector would sleep a second at their end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	testproc.Main(m, testproc.Roles{
		"exit":        roleExit,
		"serve":       roleServe,
		"ignore-term": roleIgnoreTerm,
		"daemonise":   roleDaemonise,
		"leave":       roleLeave,
		"pair":        rolePair,
		"hold-stdout": roleHoldStdout,
		"notify":      roleNotify,
		"accept":      roleAccept,
		"environ":     roleEnviron,
		"shim":        roleShim,
		"supervise":   roleSupervise,
		"self":        roleSelf,
		"init":        roleInit,
		"brief":       roleBrief,
	})
}

// say tells the test, on standard output, what the role did.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// arg is the number after the program's name.
func arg(i int) int {
	if i >= len(os.Args) {
		return 0
	}
	n, _ := strconv.Atoi(os.Args[i])
	return n
}

func roleExit() int { return arg(1) }

// roleServe runs until TERM, and then exits 0.
func roleServe() int {
	sigs := make(chan os.Signal, 1)
	signal.Notify(sigs, syscall.SIGTERM, syscall.SIGHUP)
	say("up %d", os.Getpid())
	for sig := range sigs {
		if sig == syscall.SIGTERM {
			say("bye")
			return 0
		}
		say("got %v", sig)
	}
	return 1
}

func roleIgnoreTerm() int {
	signal.Ignore(syscall.SIGTERM)
	say("up %d", os.Getpid())
	for {
		time.Sleep(time.Hour) // select{} would end in "all goroutines are asleep"
	}
}

// detached starts a role in a session of its own, with standard output kept.
func detached(role string) *exec.Cmd {
	cmd := testproc.Command(role)
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd
}

// roleDaemonise leaves a deaf process in another session and goes on.
func roleDaemonise() int {
	detached("ignore-term")
	return roleServe()
}

// rolePair has a deaf child in its own group.
func rolePair() int {
	cmd := testproc.Command("ignore-term")
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		return 1
	}
	return roleServe()
}

// roleLeave forks and leaves, as a daemon does.
func roleLeave() int { detached("ignore-term"); return 0 }

// roleHoldStdout dies of a signal while another holds its output.
func roleHoldStdout() int {
	detached("ignore-term")
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	for {
		time.Sleep(time.Hour) // select{} would end in "all goroutines are asleep"
	}
}

func roleNotify() int {
	if err := NotifyUp("STATUS=serving 1 client\nREADY=1"); err != nil {
		say("%v", err)
		return 1
	}
	return roleServe()
}

// roleAccept answers each connection of its first inherited listener.
func roleAccept() int {
	ln, err := net.FileListener(os.NewFile(3, os.Getenv("LISTEN_FDNAMES")))
	if err != nil {
		say("%v", err)
		return 1
	}
	say("up %d", os.Getpid())
	for {
		conn, err := ln.Accept()
		if err != nil {
			return 1
		}
		fmt.Fprintf(conn, "%d\n", os.Getpid())
		conn.Close()
	}
}

func roleEnviron() int {
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "LISTEN_") || strings.HasPrefix(name, "REEVE_EXEC") ||
			strings.HasPrefix(name, "WATCHDOG_") || name == "EXTRA" {
			say("%s", e)
		}
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 1
	}
	for _, e := range entries {
		n, _ := strconv.Atoi(e.Name())
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 { // came through exec
			say("fd %s %s", e.Name(), strings.Split(target, ":")[0])
		}
	}
	say("up %d", os.Getpid())
	for {
		time.Sleep(time.Hour) // select{} would end in "all goroutines are asleep"
	}
}

// roleShim becomes the role that its first argument names. With FAIL set it
// fails where limits would be set.
func roleShim() int {
	name, value, _ := strings.Cut(testproc.Env(os.Args[1]), "=")
	os.Setenv(name, value)
	err := Shim(os.Args[2:], nil, func(path string, argv, env []string) error {
		if why := os.Getenv("FAIL"); why != "" {
			return fmt.Errorf("set limits: %s", why)
		}
		return syscall.Exec(path, argv, env)
	})
	fmt.Fprintln(os.Stderr, err)
	return err.(*ExecError).Code
}

// roleSupervise supervises a role until it is told to stop. Its arguments are
// the role, and "shim" or nothing.
func roleSupervise() int { return superviseProgram(testproc.Self()) }

// roleSelf is roleSupervise of the program that it is itself, wherever that is.
func roleSelf() int { return superviseProgram("/proc/self/exe") }

func superviseProgram(program string) int {
	o := Options{Config: config.Default[Config](), Argv: []string{program}, Events: event.Discard{}}
	o.Config.Backoff.Initial = config.Duration(time.Millisecond)
	o.Env = append(os.Environ(), testproc.Env(os.Args[1]))
	if len(os.Args) > 2 {
		o.Shim = []string{program, os.Args[1]}
		o.Env = append(os.Environ(), testproc.Env("shim"))
	}
	s, err := New(o)
	if err != nil {
		say("%v", err)
		return 2
	}
	if s.Run(context.Background()) != nil {
		return 1
	}
	return 0
}

// roleBrief ends by itself soon, after its parent.
func roleBrief() int {
	if arg(1) > 0 {
		cmd := testproc.Command("brief", "0")
		if err := cmd.Start(); err != nil {
			return 1
		}
		return 0 // and nobody waits for it
	}
	time.Sleep(time.Duration(os.Getpid()%20) * time.Millisecond)
	return 0
}

func childList() []int { pids, _ := children(); return pids }

// roleInit is process 1 with a child, with commands of its own, and with what
// others leave to it.
func roleInit() int {
	rec := &event.Recorder{}
	o := Options{Config: config.Default[Config](), Argv: []string{testproc.Self()}, Events: rec, Reaper: NewReaper(rec)}
	o.Env = append(os.Environ(), testproc.Env("serve"))
	s, err := New(o)
	if err != nil {
		say("%v", err)
		return 2
	}
	result := make(chan error, 1)
	go func() { result <- s.Run(context.Background()) }()

	const commands, leavers = 200, 40
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range commands + leavers {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			want, cmd := i%256, testproc.Command("exit", strconv.Itoa(i%256))
			if i >= commands {
				want, cmd = 0, testproc.Command("brief", "1")
			}
			if err := o.Reaper.Start(cmd); err != nil {
				say("start %d: %v", i, err)
				return
			}
			cmd.Wait()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
				say("command %d: %v, want exit %d", i, cmd.ProcessState, want)
			}
		})
	}
	wg.Wait()
	for o.Reaper.Reaped() < leavers {
		time.Sleep(time.Millisecond)
	}
	if n := len(childList()); n != 1 {
		say("%d children, want the one that is supervised", n)
	}
	s.Stop("test")
	if err := <-result; err != nil {
		say("run: %v", err)
	}
	if n := len(childList()); n != 0 {
		say("%d children left", n)
	}
	say("init done: pid %d, %d orphans", os.Getpid(), o.Reaper.Reaped())
	return 0
}

// real is a supervisor of real processes.
type real struct {
	*Supervisor
	t      *testing.T
	events *event.Recorder
	out    *bufio.Reader // what the lives say
	outW   *os.File
	result chan error
	ctx    context.Context // bounds every wait of the test
}

// supervise makes one whose child plays a role. Without further ado its lives
// are ready as soon as they run.
func supervise(t *testing.T, role string, set func(*Options)) *real {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // also for the clean-up
	b := &real{t: t, events: &event.Recorder{}, out: bufio.NewReader(r), outW: w, result: make(chan error, 1), ctx: ctx}
	o := Options{Config: config.Default[Config](), Argv: []string{testproc.Self()}, Env: append(os.Environ(), testproc.Env(role)),
		Stdout: w, Stderr: w, Events: b.events}
	o.Config.Backoff.Initial = config.Duration(time.Millisecond)
	o.Config.LeftGrace = config.Duration(20 * time.Millisecond)
	if set != nil {
		set(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.Supervisor = s
	go func() { b.result <- s.Run(context.Background()) }()
	t.Cleanup(func() {
		s.Hurry()
		b.ends()
		cancel()
		w.Close()
		r.Close()
		if left := childList(); len(left) > 0 {
			t.Errorf("children left: %v", left)
		}
	})
	return b
}

// ends waits for Run and returns its error.
func (b *real) ends() error {
	b.t.Helper()
	select {
	case err := <-b.result:
		b.result <- err // for the clean-up
		return err
	case <-b.ctx.Done():
		b.t.Fatalf("Run did not return; status %+v; events %+v", b.Status(), b.lately())
		return nil
	}
}

// says reads lines until one begins with prefix and returns its rest.
func (b *real) says(prefix string) string {
	b.t.Helper()
	line := make(chan string, 1)
	go func() {
		for {
			l, err := b.out.ReadString('\n')
			if rest, ok := strings.CutPrefix(l, prefix); ok || err != nil {
				line <- strings.TrimSpace(rest)
				return
			}
		}
	}()
	select {
	case l := <-line:
		return l
	case <-b.ctx.Done():
		b.t.Fatalf("nobody said %q; events %+v", prefix, b.lately())
		return ""
	}
}

func await[T event.Event](b *real, match func(T) bool) T {
	b.t.Helper()
	e, err := event.Await(b.ctx, b.events, match)
	if err != nil {
		b.t.Fatalf("no %s; status %+v; events %+v", e.Kind(), b.Status(), b.lately())
	}
	return e
}

// lately are the newest events, for messages.
func (b *real) lately() []event.Event {
	all := b.events.Events()
	return all[max(0, len(all)-10):]
}

// gone reports whether no such process exists, or it waits to be collected.
func gone(pid int) bool {
	st, ok := statOf(pid)
	return !ok || st.state == 'Z' || st.state == 'X'
}

// until polls for what no descriptor tells.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 5000 {
		if ok() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("not within 10 s: " + what)
}
