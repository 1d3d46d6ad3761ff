package rlimit

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"exec":     execRole,
		"apply":    applyRole,
		"try":      tryRole,
		"raw-exec": rawExecRole,
	})
}

// execRole is reeve exec in small: flags, "--", a program and its arguments.
func execRole() int { return shim(Exec) }

// applyRole is the same by Apply.
func applyRole() int { return shim(applyThenExec) }

func shim(become func(Set, string, []string, []string) error) int {
	var flags []string
	args := os.Args[1:]
	for len(args) > 0 && args[0] != "--" {
		flags, args = append(flags, args[0]), args[1:]
	}
	s, err := ParseFlags(flags)
	if err == nil {
		err = become(s, args[1], args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	return 125
}

// applyThenExec is what a program does that has an exec of its own.
func applyThenExec(s Set, path string, argv, env []string) error {
	if err := Apply(s); err != nil {
		return err
	}
	return syscall.Exec(path, argv, env)
}

// tryRole asks the kernel for each limit in turn. Each child tries one, because
// a hard limit that was lowered stays.
func tryRole() int {
	r := Resource(os.Args[1])
	var l Limit
	if _, err := fmt.Sscan(os.Args[2], &l.Soft); err != nil {
		return 125
	}
	if _, err := fmt.Sscan(os.Args[3], &l.Hard); err != nil {
		return 125
	}
	n, _ := kernel(r)
	if err := syscall.Setrlimit(n, &syscall.Rlimit{Cur: l.Soft, Max: l.Hard}); err != nil {
		fmt.Print("refused")
		return 0
	}
	fmt.Print("taken")
	return 0
}

// rawExecRole lowers NOFILE behind Go's back and execs.
func rawExecRole() int {
	l := unix.Rlimit{Cur: 512, Max: 1024}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return 125
	}
	l.Max = now.Max
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&l)), 0, 0, 0); e != 0 {
		return 125
	}
	fmt.Fprintln(os.Stderr, syscall.Exec(os.Args[1], os.Args[1:], os.Environ()))
	return 125
}

// try starts the role of that name; the race detector's pause at the end of a
// program would be most of the time.
func try(r Resource, l Limit) *exec.Cmd {
	cmd := testproc.Command("try", string(r), fmt.Sprint(l.Soft), fmt.Sprint(l.Hard))
	cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// start runs cat under the limits and returns when cat is there: what it is
// told comes back.
func start(t *testing.T, role string, flags ...string) (pid int, stop func()) {
	t.Helper()
	cmd := testproc.Command(role, append(append([]string{}, flags...), "--", testproc.Need(t, "cat"))...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, "hello")
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "hello\n" {
		in.Close()
		_ = cmd.Wait()
		t.Fatalf("cat under %v: %q, %v: %s", flags, line, err, complaint.String())
	}
	return cmd.Process.Pid, func() {
		in.Close()
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("cat under %v: %v: %s", flags, err, complaint.String())
		}
	}
}

// lower gives every resource a limit that any process may take here.
func lower(t *testing.T) Set {
	t.Helper()
	wish := map[Resource]Limit{
		CPU: {100, 200}, AS: {256 << 20, 512 << 20}, Data: {64 << 20, 128 << 20}, Stack: {2 << 20, 4 << 20},
		FSize: {1 << 30, 2 << 30}, Core: {0, 1 << 20}, NoFile: {64, 128}, NProc: {1000, 2000}, MemLock: {4096, 65536},
		RSS: {1 << 20, 2 << 20}, MsgQueue: {1000, 2000}, Nice: {1, 2}, RTPrio: {1, 2}, SigPending: {100, 200},
		Locks: {10, 20}, RTTime: {1000, 2000},
	}
	var s Set
	for _, r := range Names() {
		now, err := present(r)
		if err != nil {
			t.Fatal(err)
		}
		w := wish[r]
		s = append(s, Entry{r, Limit{min(w.Soft, now.Hard), min(w.Hard, now.Hard)}})
	}
	return s
}

func TestAllLimitsReachTheProgram(t *testing.T) {
	s := lower(t)
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	pid, stop := start(t, "exec", s.Flags()...)
	defer stop()
	have, err := Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	if len(have) != len(Names()) {
		t.Errorf("%d limits read, want %d", len(have), len(Names()))
	}
	for _, e := range s {
		if have[e.Resource] != e.Limit {
			t.Errorf("%s is %+v, want %+v", e.Resource, have[e.Resource], e.Limit)
		}
	}
	if bad, err := Verify(pid, s); err != nil || len(bad) != 0 {
		t.Errorf("verify: %v, %v", bad, err)
	}
	s[0].Limit.Hard--
	if bad, err := Verify(pid, s); err != nil || len(bad) != 1 || !bad[0].Looser {
		t.Errorf("verify of a limit that is not there: %v, %v", bad, err)
	}
}

func TestVerifyOfNobody(t *testing.T) {
	cmd := try(CPU, Limit{1, 1})
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(cmd.Process.Pid, Set{{CPU, Limit{1, 1}}}); err == nil {
		t.Error("limits of a process that has ended")
	}
}

// TestEveryStartIsLimited is the loop that finds a race between the limits and
// the program's start.
func TestEveryStartIsLimited(t *testing.T) {
	n := 200
	if testing.Short() {
		n = 20
	}
	s, err := ParseFlags([]string{"nofile=512:1024", "core=0", "as=64MiB", "stack=1MiB"})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"exec", "apply"} {
		for i := range n {
			pid, stop := start(t, role, s.Flags()...)
			bad, err := Verify(pid, s)
			stop()
			if err != nil || len(bad) > 0 {
				t.Fatalf("%s, start %d of %d: %v, %v", role, i+1, n, bad, err)
			}
		}
	}
}

// TestExecUnderATightAddressSpace has the exec itself copy much while nothing
// can be mapped any more.
func TestExecUnderATightAddressSpace(t *testing.T) {
	for i := range 500 {
		t.Setenv(fmt.Sprintf("REEVE_TEST_FILLER_%d", i), strings.Repeat("x", 400))
	}
	for range 10 {
		_, stop := start(t, "exec", "as=4MiB", "data=1MiB")
		stop()
	}
}

// TestNoFileIsNotRestored proves the trap, and that Apply is not in it. Go only
// remembers a soft limit that it has raised, so that the program is started
// under a low one first.
func TestNoFileIsNotRestored(t *testing.T) {
	cat := testproc.Need(t, "cat")
	now, err := present(NoFile)
	if err != nil {
		t.Fatal(err)
	}
	low := fmt.Sprintf("nofile=256:%d", now.Hard)
	run := func(role string, args ...string) Limit {
		t.Helper()
		// The first role lowers the soft limit and execs the second, which
		// is a fresh Go program that raises it.
		cmd := testproc.Command("exec", append([]string{low, "--", "/usr/bin/env", testproc.Env(role), testproc.Self()}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		limits, err := parseProc(string(out))
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return limits[NoFile]
	}
	if got, want := run("raw-exec", cat, "/proc/self/limits"), (Limit{256, now.Hard}); got != want {
		t.Logf("the trap is gone from this Go: %v after exec, want %v", got, want)
	}
	want := Limit{512, now.Hard}
	if got := run("exec", "nofile="+want.String(), "--", cat, "/proc/self/limits"); got != want {
		t.Errorf("nofile is %v after exec, want %v", got, want)
	}
	want = Limit{256, now.Hard}
	if got := run("exec", "as=64MiB", "--", cat, "/proc/self/limits"); got != want {
		t.Errorf("nofile, which was not asked for, is %v after exec, want %v as before", got, want)
	}
	want = Limit{512, 1024}
	if got := run("exec", "nofile=512:1024", "--", cat, "/proc/self/limits"); got != want {
		t.Errorf("nofile is %v after exec, want %v", got, want)
	}
}

// TestCheckAgreesWithTheKernel asks both about limits below, at and above what
// this process has.
func TestCheckAgreesWithTheKernel(t *testing.T) {
	refusals := 0
	for _, r := range Names() {
		now, err := present(r)
		if err != nil {
			t.Fatal(err)
		}
		tries := []Limit{now, {now.Soft, now.Soft}, {now.Soft, Unlimited}, {Unlimited, Unlimited}}
		if now.Hard < Unlimited {
			tries = append(tries, Limit{now.Soft, now.Hard + 1})
		}
		if r == NoFile {
			tries = append(tries, Limit{now.Soft, nrOpen()}, Limit{now.Soft, nrOpen() + 1})
		}
		for _, l := range tries {
			e := Entry{r, l}
			if e.sane() != nil {
				continue
			}
			out, err := try(r, l).Output()
			if err != nil {
				t.Fatal(err)
			}
			refused := string(out) == "refused"
			if refused {
				refusals++
			}
			if err := (Set{e}).Check(); (err != nil) != refused {
				t.Errorf("%s: check says %v, the kernel %s it", e, err, out)
			}
		}
	}
	if refusals == 0 {
		t.Error("the kernel refused nothing, so that nothing is proven")
	}
}

func TestCheckForesight(t *testing.T) {
	p := power{nrOpen: 1 << 20, hard: func(Resource) (Limit, error) { return Limit{1024, 20000}, nil }}
	root := p
	root.raise = true
	for _, c := range []struct {
		name string
		p    power
		e    Entry
		want string
	}{
		{"lower", p, Entry{NoFile, Limit{10, 20000}}, ""},
		{"raise", p, Entry{NoFile, Limit{10, 20001}}, "hard limit 20001 is above the present hard limit 20000, and raising it needs CAP_SYS_RESOURCE"},
		{"raise memory", p, Entry{AS, Limit{1 << 30, 1 << 30}}, "hard limit 1GiB is above the present hard limit 20000, and raising it needs CAP_SYS_RESOURCE"},
		{"raise as root", root, Entry{NoFile, Limit{10, 20001}}, ""},
		{"past nr_open as root", root, Entry{NoFile, Limit{10, 1<<20 + 1}}, "hard limit 1048577 is above fs.nr_open 1048576"},
		{"no limit as root", root, Entry{NoFile, Limit{10, Unlimited}}, "hard limit infinity is above fs.nr_open 1048576"},
		{"other limits know no nr_open", root, Entry{NProc, Limit{10, Unlimited}}, ""},
	} {
		err := c.p.refuse(c.e)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestExecSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"nofile=512", "--", "/nowhere/program"}, "exec /nowhere/program: no such file or directory\n"},
		{[]string{"nofile=20:10", "--", "/bin/true"}, "limit nofile: soft limit 20 is above hard limit 10\n"},
	} {
		cmd := testproc.Command("exec", c.args...)
		var out strings.Builder
		cmd.Stderr = &out
		err := cmd.Run()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 125 || out.String() != c.want {
			t.Errorf("%v: %v: %q, want %q", c.args, err, out.String(), c.want)
		}
	}
}
