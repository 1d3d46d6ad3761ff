//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
	"github.com/reeveproxy/reeve/rlimit"
)

// foreignNginx is a configuration that logs as a container's does: to
// /dev/stdout and /dev/stderr, which are reeve's pipes.
type foreignNginx struct {
	t          *testing.T
	dir, addr  string
	conf, text string
}

func newForeignNginx(t *testing.T) *foreignNginx {
	t.Helper()
	n := &foreignNginx{t: t, dir: t.TempDir(), addr: freeAddr(t)}
	n.text = nginxMain() + fmt.Sprintf(`
error_log /dev/stderr info;
events {}
http {
  log_format asked 'asked $request_uri';
  access_log /dev/stdout asked;
  %s
  server {
    listen %s;
    location / { return 200 "first\n"; }
    location = /alive { access_log off; return 200 "alive\n"; }
    location /missing { root html; }
  }
}
`, nginxTemps, n.addr)
	n.conf = write(t, n.dir, "nginx.conf", n.text)
	return n
}

// command is what stands after -- or in proxy.command.
func (n *foreignNginx) command() []string {
	return []string{testproc.Need(n.t, "nginx"), "-g", "daemon off;", "-c", n.conf, "-p", n.dir}
}

// get asks a path of nginx itself.
func (n *foreignNginx) get(path string) (int, string) {
	n.t.Helper()
	return get(n.t, "http://"+n.addr+path)
}

// yaml is a configuration over it, with more below.
func (n *foreignNginx) yaml(more string) string {
	var words []string
	for _, w := range n.command() {
		words = append(words, strconv.Quote(w))
	}
	return write(n.t, n.t.TempDir(), "reeve.yaml", fmt.Sprintf("admin: {listen: \"off\"}\nproxy: {command: [%s], dir: %s}\n%s", strings.Join(words, ", "), n.dir, more))
}

// family is a process and all below it.
func family(t *testing.T, pid int) []int {
	t.Helper()
	out := []int{pid}
	for i := 0; i < len(out); i++ {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", out[i], out[i]))
		if err != nil && i > 0 {
			continue // it has just ended
		}
		if err != nil {
			t.Fatal(err)
		}
		for f := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, child)
		}
	}
	return out
}

// awaitLines waits until a log has taken n lines from its pipe.
func (r *reeve) awaitLines(log string, n uint64) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); r.logStatus(log).In.Lines < n; {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s has %+v after %v, want %d lines", log, r.logStatus(log), patience, n)
		}
	}
}

// whole is the text of a log, archives first.
func (r *reeve) whole(t *testing.T, log string) (text string, archives int) {
	t.Helper()
	dir := filepath.Join(r.state, "logs")
	files, err := filepath.Glob(filepath.Join(dir, log+"-*"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, path := range append(files, filepath.Join(dir, log+".log")) {
		out.WriteString(readLog(t, path))
	}
	return out.String(), len(files)
}

// mustBeFree proves that nobody listens on an address any more.
func mustBeFree(t *testing.T, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Errorf("the port is not free: %v", err)
		return
	}
	l.Close()
}

// stopAndLookAround stops reeve and proves that the processes are gone and the
// port is free.
func (r *reeve) stopAndLookAround(t *testing.T, addr string, pids []int) {
	t.Helper()
	r.verb("stop")
	if code := r.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, pid := range pids {
		awaitGone(t, pid)
	}
	mustBeFree(t, addr)
}

// The one-liner of the README: nginx, capped, with its logs in reeve's pipes.
func TestNginxOnTheCommandLine(t *testing.T) {
	n := newForeignNginx(t)
	r := start(t, append([]string{"run", "--admin", "off", "--limit", "nofile=512:1024", "--"}, n.command()...)...)
	pid := int(r.await("child_ready", nil).number("pid"))
	r.await("limits_verified", func(l journalLine) bool { return l.number("count") == 1 })
	have, err := rlimit.Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	if got := have[rlimit.NoFile].Text(rlimit.NoFile); got != "512:1024" {
		t.Errorf("nginx has nofile %s, want 512:1024", got)
	}
	if code, body := n.get("/hello"); code != 200 || body != "first\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, _ := n.get("/missing"); code != 404 {
		t.Errorf("/missing: %d", code)
	}
	r.awaitLines("stdout", 2)
	pids := family(t, pid)
	if len(pids) != 2 {
		t.Errorf("nginx is %v, want a master and a worker", pids)
	}
	r.stopAndLookAround(t, n.addr, pids)
	if text, _ := r.whole(t, "stdout"); text != "asked /hello\nasked /missing\n" {
		t.Errorf("stdout.log is %q", text)
	}
	text, _ := r.whole(t, "stderr")
	if !strings.Contains(text, `html/missing" failed (2: No such file or directory)`) {
		t.Errorf("stderr.log lacks nginx's error:\n%s", text)
	}
}

// The same from a file, with probes. Its log turns while it is written, and no
// line is lost.
func TestNginxFromAFileLosesNoLineWhenItsLogTurns(t *testing.T) {
	n := newForeignNginx(t)
	r := start(t, "run", "-c", n.yaml(foreignRest(n)))
	ready := r.await("child_ready", nil)
	if ready.text("by") != "ready" {
		t.Errorf("ready by %q, want the probe", ready.text("by"))
	}
	r.await("limits_verified", func(l journalLine) bool { return l.number("count") == 2 })
	total := 0
	turned := make(chan struct{})
	end := sync.OnceFunc(func() { close(turned) })
	var client sync.WaitGroup
	defer client.Wait()
	defer end()
	client.Go(func() {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		for on := true; on; total++ {
			resp, err := (&http.Client{Transport: transport, Timeout: patience}).Get(fmt.Sprintf("http://%s/n/%d", n.addr, total))
			if err != nil {
				t.Errorf("request %d: %v", total, err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			time.Sleep(time.Millisecond) // a client's pace, which leaves the machine to reeve
			select {
			case <-turned:
				on = false
			default:
			}
		}
	})
	for range 3 {
		r.awaitLines("stdout", r.logStatus("stdout").In.Lines+20)
		r.verb("rotate", "stdout")
	}
	r.awaitLines("stdout", r.logStatus("stdout").In.Lines+20)
	end()
	client.Wait()
	r.awaitLines("stdout", uint64(total))
	if l := r.logStatus("stdout"); !balanced(l) || l.Rotations < 3 {
		t.Errorf("after three turns: %+v", l)
	}
	r.stopAndLookAround(t, n.addr, family(t, int(ready.number("pid"))))
	text, archives := r.whole(t, "stdout")
	var want strings.Builder
	for i := range total {
		fmt.Fprintf(&want, "asked /n/%d\n", i)
	}
	if text != want.String() || archives != 3 {
		t.Errorf("%d archives and the live file have %d lines, want 3 and %d in order", archives, strings.Count(text, "\n"), total)
	}
	if stopped := r.await("child_stopped", nil); stopped.text("status") != "exit 0" {
		t.Errorf("nginx ended with %s", stopped.text("status"))
	}
	if stopping := r.await("child_stopping", nil); stopping.text("signal") != "QUIT" {
		t.Errorf("nginx was sent %s", stopping.text("signal"))
	}
	if r.seen("child_killed") || r.seen("tree_survived") {
		t.Error("nginx did not end by itself")
	}
}

// foreignRest is what a site says beside its command.
func foreignRest(n *foreignNginx) string {
	return fmt.Sprintf(`
supervisor: {stop_signal: QUIT, stop_scope: main, stop_timeout: 5s, backoff: {initial: 50ms}}
limits: {nofile: 512:1024, core: 0}
watchdog:
  probes:
    - {name: alive, role: liveness, url: "http://%[1]s/alive", period: 500ms, timeout: 400ms, fall: 2}
    - {name: ready, role: readiness, url: "http://%[1]s/alive", period: 200ms, timeout: 200ms}
rotate: {logs: [{name: stdout}, {name: stderr}]}
`, n.addr)
}

// A reload is nginx's own: the new configuration is in force in new workers
// under the same master.
func TestNginxReloads(t *testing.T) {
	n := newForeignNginx(t)
	r := start(t, "run", "-c", n.yaml(foreignRest(n)))
	pid := int(r.await("child_ready", nil).number("pid"))
	if _, body := n.get("/"); body != "first\n" {
		t.Fatalf("before: %q", body)
	}
	old := family(t, pid)
	write(t, n.dir, "nginx.conf", strings.Replace(n.text, "first", "second", 1))
	if _, body := n.get("/"); body != "first\n" {
		t.Fatalf("before the reload: %q", body)
	}
	if out := r.verb("reload"); !strings.Contains(out, "HUP") {
		t.Errorf("reload printed %q", out)
	}
	r.await("signal_forwarded", func(l journalLine) bool { return l.text("signal") == "HUP" })
	r.await("config_reloaded", nil)
	for deadline := time.Now().Add(patience); ; {
		_, body := n.get("/")
		if body == "second\n" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the new configuration never came into force: %q", body)
		}
	}
	if got := r.report().Child; got.PID != pid || got.Life != 1 || !got.Ready {
		t.Errorf("the master is now %+v, was pid %d", got, pid)
	}
	for _, worker := range old[1:] {
		awaitGone(t, worker)
	}
	before := r.logStatus("stdout").In.Lines
	n.get("/after")
	r.awaitLines("stdout", before+1) // the new workers have the pipe too
	r.stopAndLookAround(t, n.addr, family(t, pid))
}

// An nginx that is stopped as a whole has an open port and answers nobody. The
// probe finds it, all of it is killed, and the next life has the port.
func TestNginxThatHangsIsReplaced(t *testing.T) {
	n := newForeignNginx(t)
	more := strings.Replace(foreignRest(n), "stop_timeout: 5s", "stop_timeout: 300ms", 1)
	r := start(t, "run", "-c", n.yaml(more))
	pid := int(r.await("child_ready", nil).number("pid"))
	hung := family(t, pid)
	for _, p := range hung {
		if err := syscall.Kill(p, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	c, err := net.Dial("tcp", n.addr)
	if err != nil {
		t.Fatalf("the port of a hanging nginx is closed: %v", err)
	}
	c.Close()
	condemned := r.await("child_condemned", nil)
	if condemned.number("life") != 1 || !strings.Contains(condemned.text("guard")+condemned.text("reason"), "alive") {
		t.Errorf("condemned: %v", condemned.Attrs)
	}
	stopped := r.await("child_stopped", nil)
	if stopped.text("cause") != "condemned" || stopped.text("status") != "signal KILL" {
		t.Errorf("stopped: %v", stopped.Attrs)
	}
	next := r.await("child_ready", func(l journalLine) bool { return l.number("life") == 2 })
	for _, p := range hung {
		awaitGone(t, p)
	}
	if code, body := n.get("/"); code != 200 || body != "first\n" {
		t.Errorf("the second life: %d %q", code, body)
	}
	if r.seen("tree_survived") || r.seen("child_rested") {
		t.Errorf("the exchange was not clean:\n%s", r.journal())
	}
	r.stopAndLookAround(t, n.addr, family(t, int(next.number("pid"))))
}

// haproxyConf logs to stdout, as in a container.
const haproxyConf = `
global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend front
  bind ADDR
  http-request return status 200 content-type text/plain string "haproxy"
`

// Other proxies in the foreground, haproxy with and without a master: they
// serve, their words arrive, and they leave nothing behind.
func TestOtherProxies(t *testing.T) {
	for _, p := range []struct {
		program, conf, said string
		args                []string
		stop                string
	}{
		{
			program: "haproxy", args: []string{"-db", "-f"}, stop: "TERM", said: "front",
			conf: haproxyConf,
		},
		{
			program: "haproxy", args: []string{"-W", "-db", "-f"}, stop: "USR1", said: "front",
			conf: haproxyConf,
		},
		{
			program: "apache2", args: []string{"-DFOREGROUND", "-f"}, stop: "WINCH", said: `"GET /x HTTP/1.1" 200`,
			conf: `
ServerName localhost
ServerRoot DIR
PidFile DIR/pid
DefaultRuntimeDir DIR
Listen ADDR
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
DocumentRoot DIR/html
ErrorLog /dev/stderr
CustomLog /dev/stdout "%h \"%r\" %>s"
`,
		},
	} {
		t.Run(p.program+p.args[0], func(t *testing.T) {
			program := testproc.Need(t, p.program)
			addr, dir := freeAddr(t), t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "html"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "html"), "x", p.program)
			conf := write(t, dir, "proxy.conf", strings.NewReplacer("ADDR", addr, "DIR", dir).Replace(p.conf))
			command := `"` + strings.Join(append(append([]string{program}, p.args...), conf), `", "`) + `"`
			r := start(t, "run", "-c", write(t, dir, "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
proxy: {command: [%s]}
supervisor: {stop_signal: %s, stop_scope: main}
limits: {nofile: 4096}
watchdog: {probes: [{name: ready, role: readiness, kind: tcp, address: %q, period: 200ms, timeout: 200ms}]}
`, command, p.stop, addr)))
			pid := int(r.await("child_ready", nil).number("pid"))
			if code, body := get(t, "http://"+addr+"/x"); code != 200 || body != p.program {
				t.Errorf("%d %q", code, body)
			}
			r.awaitLines("stdout", 1)
			r.stopAndLookAround(t, addr, family(t, pid))
			if text, _ := r.whole(t, "stdout"); !strings.Contains(text, p.said) {
				t.Errorf("stdout.log is %q", text)
			}
			if r.seen("child_killed") || r.seen("tree_survived") {
				t.Errorf("it did not end by itself:\n%s", r.journal())
			}
		})
	}
}
