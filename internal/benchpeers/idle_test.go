//go:build benchpeers && linux

package benchpeers

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
)

// idleTime is how long the supervisors are watched doing nothing.
const idleTime = 20 * time.Second

// idler is a process that is watched.
type idler struct {
	name   string
	pid    int
	before time.Duration
}

// idle lets all supervisors stand side by side for a while.
func idle(t *testing.T) {
	idlers := []*idler{}
	add := func(name string, pid int) { idlers = append(idlers, &idler{name: name, pid: pid}) }
	absent := []string{}
	start := func(program string, run func(addr string) int) {
		if _, err := exec.LookPath(program); err != nil {
			absent = append(absent, program)
			return
		}
		addr := freeAddr(t)
		add(program, run(addr))
		until(t, program+"'s server", func() bool { _, err := ask(addr); return err == nil })
	}
	supervisor, child := idleReeve(t, "liveness")
	add("**reeve**, a liveness probe each second", supervisor)
	add("its child, the built-in proxy", child)
	supervisor, child = idleReeve(t, "liveness", "readiness")
	add("**reeve**, liveness and readiness probes each second", supervisor)
	add("its child, the built-in proxy, both probes", child)
	start("supervisord", func(addr string) int { return startSupervisord(t, addr).pid() })
	start("runsv", func(addr string) int { return startRunsv(t, addr).pid() })
	start("s6-supervise", func(addr string) int { return startS6(t, addr).pid() })
	start("tini", func(addr string) int {
		cmd := exec.Command("tini", "-s", "--", testproc.Self(), addr)
		cmd.Env = append(cmd.Environ(), testproc.Env("serve"))
		return launch(t, cmd).pid()
	})
	time.Sleep(3 * time.Second) // what starting left behind is not idleness
	for _, i := range idlers {
		i.before = cpuExact(i.pid)
	}
	time.Sleep(idleTime)
	out := newTable("An idle supervisor",
		fmt.Sprintf("Over %v, side by side, each with one child that nobody asks anything; reeve alone asks its child, over HTTP and a connection of its own each time, serves its admin pages and logs the requests. Code that is mapped from one file by several processes counts whole in RSS and in shares in PSS.", idleTime),
		"process", "RSS MiB", "PSS MiB", "CPU % of one core")
	for _, i := range idlers {
		used := cpuExact(i.pid) - i.before
		rss, pss := memory(t, i.pid)
		out.row(i.name, mib(rss), mib(pss), fmt.Sprintf("%.3f", 100*used.Seconds()/idleTime.Seconds()))
	}
	for _, program := range absent {
		out.row(program, "not installed", "", "")
	}
	out.print()
}

func mib(kib int64) string { return fmt.Sprintf("%.1f", float64(kib)/1024) }

// idleReeve is a reeve over its built-in proxy, with a probe of each role each
// second.
func idleReeve(t *testing.T, roles ...string) (supervisor, child int) {
	t.Helper()
	addr, member := freeAddr(t), freeAddr(t)
	launch(t, testproc.Command("serve", member))
	probes := ""
	for _, role := range roles {
		probes += fmt.Sprintf("    - {role: %s, url: \"http://%s/reeve-status?auto\", period: 1s, timeout: 1s}\n", role, addr)
	}
	r := runReeve(t, fmt.Sprintf(`
admin: {listen: %q}
listen: [{name: http, address: %q}]
proxy:
  builtin:
    pools: {p: {members: [{url: "http://%s"}]}}
    routes: [{pool: p}]
watchdog:
  probes:
%s`, freeAddr(t), addr, member, probes))
	r.awaitReady()
	s, ok := r.status()
	if !ok || s.Child.PID == 0 {
		t.Fatalf("status: %+v", s)
	}
	return r.pid(), s.Child.PID
}
