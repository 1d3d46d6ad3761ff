//go:build linux

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/testproc"
)

// builtinHead is a configuration that is right; cases add what is wrong.
const builtinHead = `
admin: {listen: "off"}
listen: [{name: http, address: "127.0.0.1:0"}]
proxy:
  builtin:
    pools: {p: {members: [{name: a, url: "http://127.0.0.1:9"}]}}
    routes: [{pool: p}]
`

// commandHead is likewise, with a command for a child.
const commandHead = `
admin: {listen: "off"}
proxy: {command: [sleep, "1000"]}
`

// Every mistake is named with its file, line, key, value and what is wanted,
// and nothing is started.
func TestBadConfigurationIsRefusedWithItsPlace(t *testing.T) {
	cases := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", commandHead + "rotat: {}\n", []string{"reeve.yaml:4:", "rotat", `"rotate"`}},
		{"unknown key below", commandHead + "watchdog:\n  probes:\n    - {name: a, url: http://127.0.0.1/, perod: 5s}\n", []string{"reeve.yaml:6:", "perod", "period"}},
		{"wrong type", commandHead + "supervisor:\n  stop_timeout: [1s]\n", []string{"reeve.yaml:5:", "stop_timeout", "duration"}},
		{"bare duration", commandHead + "supervisor: {stop_timeout: 10}\n", []string{"reeve.yaml:4:", "stop_timeout", `"10"`}},
		{"soft above hard", commandHead + "limits: {nofile: '20:10'}\n", []string{"reeve.yaml:4:", "nofile", "20", "10"}},
		{"address space of a byte", commandHead + "limits: {as: 1}\n", []string{"reeve.yaml:4:", "limits.as", "1 byte"}},
		{"unknown limit", commandHead + "limits: {nofiles: 10}\n", []string{"reeve.yaml:4:", "nofiles", "nofile"}},
		{"zone without a name", commandHead + "rotate: {schedule: ['TZ=']}\n", []string{"reeve.yaml:4:", "schedule[0]", "TZ="}},
		{"never fires", commandHead + "rotate: {schedule: ['0 0 31 2 *']}\n", []string{"reeve.yaml:4:", "schedule[0]", "0 0 31 2 *"}},
		{"empty items", commandHead + "rotate: {schedule: [',,, * * * *']}\n", []string{"reeve.yaml:4:", "schedule[0]"}},
		{"probe URL", commandHead + "watchdog: {probes: [{name: a, url: 'http://[::1'}]}\n", []string{"reeve.yaml:4:", "probes[0].url"}},
		{"probe without URL", commandHead + "watchdog: {probes: [{name: a}]}\n", []string{"reeve.yaml:4:", "probes[0]", "url"}},
		{"no child", "admin: {listen: 'off'}\n", []string{"proxy", "command or builtin"}},
		{"route to no pool", builtinHead + "    hosts: []\n" + "rotate: {}\n", nil},
		{"address without a port", commandHead + "listen: [{address: localhost}]\n", []string{"reeve.yaml:4:", "listen[0].address", "localhost"}},
		{"two problems", commandHead + "limits: {nofile: '20:10'}\nrotat: {}\n", []string{"reeve.yaml:4:", "reeve.yaml:5:"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, t.TempDir(), "reeve.yaml", c.text)
			out, code := runVerbIn(t, t.TempDir(), "check", "-c", path)
			if c.want == nil {
				if code != 0 {
					t.Fatalf("exit %d for a good file\n%s", code, out)
				}
				return
			}
			if code != exitUsage {
				t.Fatalf("exit %d, want %d\n%s", code, exitUsage, out)
			}
			for _, w := range c.want {
				if !strings.Contains(out, w) {
					t.Errorf("the error lacks %q:\n%s", w, out)
				}
			}
			out, code = runVerbIn(t, t.TempDir(), "run", "-c", path)
			if code != exitUsage || strings.Contains(out, "child_launched") {
				t.Fatalf("run: exit %d\n%s", code, out)
			}
		})
	}
}

func TestARunThatCannotBeginSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	notExecutable := write(t, dir, "plain", "not a program\n")
	cases := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"address in use", []string{"run", "-c", write(t, dir, "a.yaml", commandHead+"listen: [{name: web, address: '"+taken.Addr().String()+"'}]\n")}, exitFailure, []string{taken.Addr().String(), "in use"}},
		{"no such command", []string{"run", "--admin", "off", "--", "/no/such/program"}, exitUsage, []string{"/no/such/program", "no such file"}},
		{"not executable", []string{"run", "--admin", "off", "--", notExecutable}, exitUsage, []string{notExecutable, "permission denied"}},
		{"log folder is a symlink", []string{"run", "--admin", "off", "--logs", link, "--", "sleep", "1000"}, exitFailure, []string{link, "symlink"}},
		{"unknown limit", []string{"run", "--admin", "off", "--limit", "nofiles=10", "--", "sleep", "1000"}, exitUsage, []string{"nofiles", "nofile"}},
		{"limit soft above hard", []string{"exec", "--limit", "nofile=20:10", "--", "true"}, exitUsage, []string{"20", "10"}},
		{"file and command", []string{"run", "-c", filepath.Join(dir, "a.yaml"), "--", "true"}, exitUsage, []string{"one of them"}},
		{"no such file", []string{"run", "-c", filepath.Join(dir, "none.yaml")}, exitUsage, []string{"none.yaml"}},
		{"unknown flag", []string{"run", "--no-such-flag"}, exitUsage, []string{"--no-such-flag"}},
		{"unknown verb", []string{"rum"}, exitUsage, []string{"rum"}},
		{"nobody there", []string{"status"}, exitFailure, []string{"control.sock", "running"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, code := runVerbIn(t, t.TempDir(), c.args...)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, w := range c.want {
				if !strings.Contains(out, w) {
					t.Errorf("the error lacks %q:\n%s", w, out)
				}
			}
			if strings.Contains(out, "child_launched") {
				t.Errorf("a child was started:\n%s", out)
			}
		})
	}
}

// A limit above what the kernel allows is known before anything starts.
func TestALimitThatTheKernelRefusesStopsTheStart(t *testing.T) {
	testproc.NeedRoot(t)
	out, code := runVerbIn(t, t.TempDir(), "run", "--admin", "off", "--limit", "nofile=1073741817", "--", "sleep", "1000")
	if code != exitUsage || !strings.Contains(out, "nofile") || !strings.Contains(out, "1073741817") {
		t.Fatalf("exit %d\n%s", code, out)
	}
}

func TestASmallAddressSpaceForAGoProgramIsWarnedAbout(t *testing.T) {
	path := write(t, t.TempDir(), "reeve.yaml", builtinHead+"limits: {as: 500MiB}\n")
	out, code := runVerbIn(t, t.TempDir(), "check", "-c", path)
	if code != 0 || !strings.Contains(out, "warning") || !strings.Contains(out, "GOMEMLIMIT") {
		t.Fatalf("exit %d\n%s", code, out)
	}
}

func TestTheSecondReeveOnAStateFolderIsToldWhoHoldsIt(t *testing.T) {
	first := start(t, "run", "--admin", "off", "--", "sleep", "1000")
	first.await("child_launched", nil)
	out, code := runVerbIn(t, first.state, "run", "--admin", "off", "--", "sleep", "1000")
	if code != exitFailure || !strings.Contains(out, first.pid()) {
		t.Fatalf("exit %d, want %d and the pid %s of the holder\n%s", code, exitFailure, first.pid(), out)
	}
}

func TestAStaleLockIsTakenOver(t *testing.T) {
	first := start(t, "run", "--admin", "off", "--", "sleep", "1000")
	first.await("child_launched", nil)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.done
	second := startIn(t, first.state, "run", "--admin", "off", "--", "sleep", "1000")
	second.await("child_launched", nil)
}

// A reload of a bad file changes nothing: the child, its limits and its logs
// stay as they were.
func TestABadReloadChangesNothing(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "reeve.yaml", commandHead)
	r := start(t, "run", "-c", path)
	life := r.await("child_ready", nil)
	write(t, dir, "reeve.yaml", commandHead+"limits: {nofile: '20:10'}\n")
	if out, code := r.tryVerb("status", "-c", path); code != 0 {
		t.Errorf("a broken file keeps the operator from its reeve: exit %d\n%s", code, out)
	}
	out, code := r.tryVerb("reload")
	if code == 0 || !strings.Contains(out, "reeve.yaml:4:") || !strings.Contains(out, "nofile") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	r.await("config_refused", nil)
	if got := r.report(); got.Child.PID != int(life.number("pid")) || !got.Ready {
		t.Fatalf("child is pid %d ready %v, was %v", got.Child.PID, got.Ready, life.number("pid"))
	}
}
