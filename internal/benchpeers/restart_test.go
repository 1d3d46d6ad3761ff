//go:build benchpeers && linux

package benchpeers

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
)

const (
	kills = 5
	// lifetime is how long a life serves before it is killed: long enough for
	// the peers that punish a child only when it dies within its first second,
	// and for reeve to count it as sound (ready after 1s, reset_after 1s).
	lifetime = 2200 * time.Millisecond
)

// keeper starts something that keeps a server alive at the address, and
// tells the number of the process whose end is under trial.
type keeper struct {
	name, note string
	start      func(t testing.TB, addr string) (victim func(v *visitor) int)
	listens    bool // the keeper holds the listener: no connect may be refused
}

// answering is the victim of those whose child answers by itself.
func answering(v *visitor) int { return v.pid() }

var keepers = []keeper{
	{"runsv", "restarts at once, after 1 s if the child lived less than 1 s", func(t testing.TB, addr string) func(*visitor) int {
		startRunsv(t, addr)
		return answering
	}, false},
	{"s6-supervise", "its own pause of up to 1 s, no option", func(t testing.TB, addr string) func(*visitor) int {
		startS6(t, addr)
		return answering
	}, false},
	{"supervisord", "autorestart=true, startsecs=0", func(t testing.TB, addr string) func(*visitor) int {
		startSupervisord(t, addr)
		return answering
	}, false},
	{"**reeve**, foreign command", "default backoff: 500 ms and jitter", func(t testing.TB, addr string) func(*visitor) int {
		startForeign(t, addr, "{reset_after: 1s}")
		return answering
	}, false},
	{"**reeve**, foreign command", "backoff.initial: 10ms", func(t testing.TB, addr string) func(*visitor) int {
		startForeign(t, addr, "{reset_after: 1s, backoff: {initial: 10ms}}")
		return answering
	}, false},
	{"**reeve**, built-in proxy", "default backoff, reeve keeps the listener", func(t testing.TB, addr string) func(*visitor) int {
		return startBuiltin(t, addr, "{reset_after: 1s}")
	}, true},
	{"**reeve**, built-in proxy", "backoff.initial: 10ms, reeve keeps the listener", func(t testing.TB, addr string) func(*visitor) int {
		return startBuiltin(t, addr, "{reset_after: 1s, backoff: {initial: 10ms}}")
	}, true},
}

// restart kills what serves, and counts what visitors see of it.
func restart(t *testing.T) {
	out := newTable("Serving again after SIGKILL",
		fmt.Sprintf("The same small server, killed %d times, each time after it has served for %v; a new connection every %v throughout. A stall is the longest time without an answer around a kill. Cut are connections that were accepted and lost with the process.", kills, lifetime, interval),
		"keeper", "restart policy", "connects refused", "cut", "median stall ms", "max stall ms")
	for _, k := range keepers {
		measured := false
		t.Run(strings.ReplaceAll(k.name, "*", ""), func(t *testing.T) {
			addr := freeAddr(t)
			victim := k.start(t, addr)
			until(t, "the server's first answer", func() bool { _, err := ask(addr); return err == nil })
			v, stop := visit(t, addr)
			stalls := killAll(t, v, victim)
			stop()
			if k.listens && v.refused > 0 {
				t.Errorf("%d connects to reeve's own listener were refused", v.refused)
			}
			out.row(k.name, k.note, fmt.Sprint(v.refused), fmt.Sprint(v.broken), millis(median(stalls)), millis(maximum(stalls)))
			measured = true
		})
		if !measured {
			out.row(k.name, k.note, "not measured", "", "", "")
		}
	}
	out.print()
}

func millis(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(time.Millisecond)) }

func maximum(of []time.Duration) (most time.Duration) {
	for _, d := range of {
		most = max(most, d)
	}
	return most
}

// killAll kills the victim again and again and returns the stalls.
func killAll(t testing.TB, v *visitor, victim func(*visitor) int) (stalls []time.Duration) {
	t.Helper()
	time.Sleep(lifetime) // the life's age is what is set here
	for range kills {
		pid := victim(v)
		if pid <= 1 {
			t.Fatalf("nobody to kill: process %d", pid)
		}
		at := time.Now()
		must(t, syscall.Kill(pid, syscall.SIGKILL))
		until(t, "an answer from the next life", func() bool {
			_, alive := statFields(pid)
			return !alive && v.since(at) && victim(v) != pid && victim(v) > 1
		})
		time.Sleep(lifetime)
		stalls = append(stalls, v.stall(at, time.Now()))
	}
	return stalls
}

func startRunsv(t testing.TB, addr string) *proc {
	dir := t.TempDir()
	write(t, 0o700, script(addr), dir, "service", "run")
	return launch(t, exec.Command(testproc.Need(t, "runsv"), filepath.Join(dir, "service")))
}

func startS6(t testing.TB, addr string) *proc {
	dir := t.TempDir()
	write(t, 0o700, script(addr), dir, "service", "run")
	return launch(t, exec.Command(testproc.Need(t, "s6-supervise"), filepath.Join(dir, "service")))
}

func script(addr string) string {
	return fmt.Sprintf("#!/bin/sh\nexec env %s %s %s\n", testproc.Env("serve"), testproc.Self(), addr)
}

func startSupervisord(t testing.TB, addr string) *proc {
	dir := t.TempDir()
	path := write(t, 0o600, fmt.Sprintf(`[supervisord]
nodaemon=true
logfile=%[1]s/log
pidfile=%[1]s/pid
childlogdir=%[1]s
[program:server]
command=%[2]s %[3]s
environment=%[4]s
autorestart=true
startsecs=0
`, dir, testproc.Self(), addr, strings.Replace(testproc.Env("serve"), "=", `="`, 1)+`"`), dir, "supervisord.conf")
	return launch(t, exec.Command(testproc.Need(t, "supervisord"), "-n", "-c", path))
}

func startForeign(t testing.TB, addr, supervisor string) *reeve {
	return runReeve(t, fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%q, %q]}
supervisor: %s
`, testproc.Self(), addr, supervisor), testproc.Env("serve"))
}

// startBuiltin runs reeve's own proxy over a member that is never killed; who
// dies is the proxy.
func startBuiltin(t testing.TB, addr, supervisor string) func(*visitor) int {
	member := freeAddr(t)
	launch(t, testproc.Command("serve", member))
	until(t, "the member", func() bool { _, err := ask(member); return err == nil })
	r := runReeve(t, builtinConfig(addr, []string{member}, "", "supervisor: "+supervisor))
	return func(*visitor) int {
		for _, id := range tree(r.pid())[1:] {
			args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", id.pid))
			if strings.HasSuffix(string(args), "\x00proxy\x00") && !strings.Contains(string(args), "\x00exec\x00") {
				return id.pid
			}
		}
		return 0
	}
}

// builtinConfig is a configuration of the built-in proxy; builtin are more
// lines of its section, rest more sections.
func builtinConfig(addr string, members []string, builtin, rest string) string {
	var list strings.Builder
	for _, m := range members {
		fmt.Fprintf(&list, "{url: 'http://%s'}, ", m)
	}
	return fmt.Sprintf(`
admin: {listen: %q}
listen: [{name: http, address: %q}]
proxy:
  builtin:
    pools: {p: {members: [%s]}}
    routes: [{pool: p}]
%s
%s
`, "off", addr, list.String(), builtin, rest)
}
