package supervisor

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

func shimmed(role string, more ...string) func(*Options) {
	return func(o *Options) {
		o.Shim = []string{testproc.Self(), role}
		o.Env = append(append(os.Environ(), testproc.Env("shim")), more...)
	}
}

func TestRealEnvironmentAndDescriptors(t *testing.T) {
	t.Setenv("LISTEN_FDS", "9")
	t.Setenv("WATCHDOG_USEC", "1")
	l, err := Listen(ListenConfig{Name: "web", Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // after the supervisor has ended
	done := 0
	b := supervise(t, "", func(o *Options) {
		shimmed("environ")(o)
		o.Listeners = []*Listener{l}
		o.Config.Watchdog = config.Duration(time.Minute)
		o.Inherit = func(life uint64, first int) (Inheritance, error) {
			r, w, err := os.Pipe()
			return Inheritance{Files: []*os.File{w}, Env: []string{fmt.Sprintf("EXTRA=%d", first)}, Done: func() { done++; r.Close(); w.Close() }}, err
		}
	})
	var got []string
	var pid string
	for pid == "" {
		line := b.says("")
		if p, ok := strings.CutPrefix(line, "up "); ok {
			pid = p
			break
		}
		got = append(got, line)
	}
	want := []string{"WATCHDOG_USEC=60000000", "WATCHDOG_PID=" + pid, "LISTEN_FDS=1", "LISTEN_FDNAMES=web", "LISTEN_PID=" + pid, "EXTRA=4",
		"fd 0 /dev/null", "fd 1 pipe", "fd 2 ", "fd 3 socket", "fd 4 pipe"}
	for i, l := range got {
		if strings.HasPrefix(l, "fd 2 ") {
			got[i] = "fd 2 "
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the child sees\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	await[event.ChildLaunched](b, nil)
	if done != 1 {
		t.Errorf("Done was called %d times", done)
	}
}

// Each way in which a launch can fail is told with its reason, and tried again.
func TestRealLaunchFailures(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	noFormat := filepath.Join(dir, "noformat")
	if err := os.WriteFile(noFormat, []byte("text"), 0o755); err != nil {
		t.Fatal(err)
	}
	busy := filepath.Join(dir, "busy")
	writer, err := os.OpenFile(busy, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for _, c := range []struct {
		name, program, want string
		code                int
	}{
		{"absent", filepath.Join(dir, "absent"), "no such file", 127},
		{"not in PATH", "reeve-has-no-such-program", "not found in PATH", 127},
		{"not executable", plain, "permission denied", 126},
		{"a folder", dir, "is a directory", 126},
		{"no program", noFormat, "exec format error", 126},
		{"being written", busy, "text file busy", 126},
	} {
		for _, how := range []string{"direct", "shim"} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				set := func(o *Options) { o.Argv = []string{c.program} }
				if how == "shim" {
					set = func(o *Options) { shimmed("serve")(o); o.Argv = []string{c.program} }
				}
				b := supervise(t, "serve", set)
				e := await(b, func(e event.ChildLaunchFailed) bool { return e.Life == 3 })
				if !strings.Contains(e.Error, c.want) || !strings.HasPrefix(e.Error, "launch child: ") {
					t.Errorf("error %q, want %q in it", e.Error, c.want)
				}
				if n := len(event.Of[event.ChildLaunched](b.events)); n != 0 {
					t.Errorf("%d launches told", n)
				}
			})
			t.Run(c.name+"/"+how+"/never", func(t *testing.T) {
				b := supervise(t, "serve", func(o *Options) {
					if how == "shim" {
						shimmed("serve")(o)
					}
					o.Argv, o.Config.Restart = []string{c.program}, RestartNever
				})
				if err, ok := b.ends().(*Ended); !ok || err.Code != c.code {
					t.Errorf("ended with %v, want code %d", err, c.code)
				}
			})
		}
	}
	t.Run("limits", func(t *testing.T) {
		b := supervise(t, "", shimmed("serve", "FAIL=as: operation not permitted"))
		e := await(b, func(e event.ChildLaunchFailed) bool { return e.Life == 2 })
		if e.Error != "launch child: set limits: as: operation not permitted" {
			t.Errorf("error %q", e.Error)
		}
	})
}

// A relative program is looked for where exec will look for it.
func TestRealRelativeProgram(t *testing.T) {
	dir, base := filepath.Split(testproc.Self())
	b := supervise(t, "serve", func(o *Options) { o.Dir, o.Argv = dir, []string{"./" + base} })
	b.says("up ")
}

// A supervisor whose own file is removed or replaced goes on starting itself,
// in the version that it is.
func TestRealSelfOutlivesItsFile(t *testing.T) {
	self, err := os.ReadFile(testproc.Self())
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range [][]string{{"serve"}, {"serve", "shim"}} {
		for _, fate := range []string{"removed", "replaced"} {
			t.Run(how[len(how)-1]+"/"+fate, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "reeve")
				if err := os.WriteFile(file, self, 0o755); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(file, how...)
				cmd.Env = append(os.Environ(), testproc.Env("self"))
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				watchdog := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
				defer watchdog.Stop()
				defer cmd.Wait()
				defer cmd.Process.Kill()
				said := bufio.NewReader(out)
				up := func() int {
					line, err := said.ReadString('\n')
					if err != nil {
						t.Fatalf("no life: %v", err)
					}
					return pidOf(t, strings.TrimSpace(strings.TrimPrefix(line, "up ")))
				}
				first := up()
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				if fate == "replaced" {
					if err := os.WriteFile(file, []byte("#!/bin/sh\necho another\n"), 0o755); err != nil {
						t.Fatal(err)
					}
				}
				syscall.Kill(first, syscall.SIGKILL)
				if second := up(); second == first {
					t.Errorf("life %d twice", first)
				}
			})
		}
	}
}

// A hook that panics stops nothing.
func TestRealHooksThatPanic(t *testing.T) {
	b := supervise(t, "exit", func(o *Options) {
		o.OnEnd = func(Life, Exit) { panic("on end") }
		o.AfterExec = func(Life) { panic("after exec") }
		o.LastWords = func() []string { panic("last words") }
		o.Inherit = func(life uint64, _ int) (Inheritance, error) {
			if life == 2 {
				panic("inherit")
			}
			return Inheritance{}, nil
		}
	})
	await(b, func(e event.ChildDied) bool { return e.Life == 3 })
	if e := event.Of[event.ChildLaunchFailed](b.events); len(e) != 1 || e[0].Error != "launch child: panic: inherit" {
		t.Errorf("%+v", e)
	}
}

// A launch that lacks descriptors is told and tried again, and succeeds when
// there are some.
func TestRealLaunchWithoutDescriptors(t *testing.T) {
	b := supervise(t, "serve", nil)
	pid := pidOf(t, b.says("up "))
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	e := await[event.ChildLaunchFailed](b, nil)
	if !strings.Contains(e.Error, "too many open files") {
		t.Errorf("%+v", e)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	b.says("up ")
}
