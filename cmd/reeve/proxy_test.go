//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
	"github.com/reeveproxy/reeve/proxy/sample"
)

// sampleMembers serves n sample members in this process and returns their
// addresses.
func sampleMembers(t testing.TB, n int) []string {
	t.Helper()
	var addrs []string
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: sample.Member(fmt.Sprintf("m%d", i+1))}
		done := make(chan struct{})
		go func() { defer close(done); s.Serve(l) }()
		t.Cleanup(func() { s.Close(); <-done })
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// startProxy runs the built-in proxy over members, with more configuration
// below it, and returns its URL once it is ready.
func startProxy(t testing.TB, members []string, more string) (*reeve, string) {
	t.Helper()
	addr := freeAddr(t)
	var list strings.Builder
	for i, m := range members {
		fmt.Fprintf(&list, "{name: m%d, url: 'http://%s'}, ", i+1, m)
	}
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
listen: [{name: http, address: %q}]
proxy:
  builtin:
    pools: {p: {members: [%s]}}
    routes: [{pool: p}]
%s`, addr, list.String(), more))
	r := start(t, "run", "-c", path)
	r.await("child_ready", nil)
	return r, "http://" + addr
}

// The newcomer's command: three sample members, a proxy, and where to look.
func TestRunAloneStartsTheSampleSite(t *testing.T) {
	for _, port := range []string{"8080", "8081", "8082", "8083", "9180"} {
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			testproc.Lack(t, "needs port "+port+" of the embedded default to be free")
		}
		l.Close()
	}
	r := start(t, "run")
	r.await("child_ready", nil)
	seen := map[string]bool{}
	for range 6 {
		code, body := get(t, "http://127.0.0.1:8080/")
		m := regexp.MustCompile(`member (one|two|three)`).FindString(body)
		if code != 200 || m == "" {
			t.Fatalf("%d %q", code, body)
		}
		seen[m] = true
	}
	if len(seen) != 3 {
		t.Errorf("six requests were served by %v, want all three members", seen)
	}
	for path, want := range map[string]string{"/healthz": "", "/readyz": "", "/metrics": "reeve_child_up 1", "/status": "READY"} {
		if code, body := get(t, "http://127.0.0.1:9180"+path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	for _, w := range []string{"http://127.0.0.1:8080/", "http://127.0.0.1:9180/status", filepath.Join(r.state, "logs")} {
		if !strings.Contains(r.journal(), w) {
			t.Errorf("the greeting lacks %s", w)
		}
	}
	r.signal(syscall.SIGINT)
	if code := r.exit(); code != 0 {
		t.Errorf("exit %d after Ctrl-C", code)
	}
}

// A member that never ends is the seed's test case: a handler that writes one
// NUL byte a second for ever. It is ended on time, and a hundred others on the
// same process are not touched.
func TestARunawayRequestIsEndedAndNoOther(t *testing.T) {
	drip := freeAddr(t)
	dripper := testproc.Command("drip")
	dripper.Env = append(dripper.Env, "SERVER_ADDR="+drip)
	if err := dripper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dripper.Process.Kill(); dripper.Wait() })
	members := sampleMembers(t, 1)
	addr := freeAddr(t)
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: "off"}
listen: [{name: http, address: %q}]
proxy:
  builtin:
    pools:
      drip: {members: [{name: d, url: "http://%s"}]}
      good: {members: [{name: g, url: "http://%s"}]}
    routes: [{prefix: /drip, pool: drip, total: 1h}, {prefix: /short, pool: drip, total: 1s}, {pool: good}]
watchdog:
  runaway: {timeout: 2s, poll: 100ms, grace: 5s, exempt: [/slow]}
`, addr, drip, members[0]))
	r := start(t, "run", "-c", path)
	pid := r.await("child_ready", nil).text("pid")
	awaitAnswer(t, drip)

	var others sync.WaitGroup
	var broken atomic.Int32
	for range 100 {
		others.Go(func() {
			code, body, err := tryGet("http://" + addr + "/slow?ms=5000")
			if err != nil || code != 200 || body == "" {
				broken.Add(1)
			}
		})
	}
	short := make(chan error, 1)
	go func() {
		_, _, err := tryGet("http://" + addr + "/short")
		short <- err
	}()
	if _, _, err := tryGet("http://" + addr + "/drip/now?secret=1"); err == nil {
		t.Error("the runaway's reply came to a good end")
	}
	killed := r.await("request_killed", func(l journalLine) bool { return l.text("by") == "watchdog" })
	if killed.text("path") != "/drip/now" || killed.text("method") != "GET" || killed.text("member") != "d" || killed.text("client") == "" {
		t.Errorf("evidence is %v", killed.Attrs)
	}
	if err := <-short; err == nil {
		t.Error("a request past its route's total time came to a good end")
	}
	r.await("request_killed", func(l journalLine) bool { return l.text("by") == "proxy" && l.text("path") == "/short" })
	others.Wait()
	if n := broken.Load(); n > 0 {
		t.Errorf("%d of 100 other requests were harmed", n)
	}
	if got := fmt.Sprint(r.report().Child.PID); got != pid {
		t.Errorf("the process was replaced: pid %s, was %s", got, pid)
	}
}

func awaitAnswer(t testing.TB, addr string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens on %s after %v", addr, patience)
		}
		time.Sleep(10 * time.Millisecond) // a listener announces itself in no other way
	}
}

// While clients connect without a pause the proxy is killed three times: no
// connect is refused, because the socket is reeve's.
func TestNoConnectIsRefusedWhileTheProxyIsKilled(t *testing.T) {
	r, url := startProxy(t, sampleMembers(t, 2), "supervisor: {backoff: {initial: 50ms}}\n")
	addr := strings.TrimPrefix(url, "http://")
	ctx, stop := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	var refused, connected, served atomic.Int64
	for range 16 {
		clients.Go(func() {
			for ctx.Err() == nil {
				switch err := oneRequest(addr); {
				case errors.Is(err, syscall.ECONNREFUSED):
					refused.Add(1)
				case err == nil:
					served.Add(1)
				}
				connected.Add(1)
			}
		})
	}
	for life := 1; life <= 3; life++ {
		pid := r.await("child_ready", func(l journalLine) bool { return l.number("life") == float64(life) }).number("pid")
		if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	r.await("child_ready", func(l journalLine) bool { return l.number("life") == 4 })
	before := served.Load()
	for deadline := time.Now().Add(patience); served.Load() < before+100 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // until the last life has served
	}
	stop()
	clients.Wait()
	if refused.Load() > 0 || served.Load() < before+100 {
		t.Fatalf("%d of %d connects were refused, %d requests served", refused.Load(), connected.Load(), served.Load())
	}
	t.Logf("%d connects, none refused, %d served", connected.Load(), served.Load())
}

// oneRequest asks over a connection of its own; the error of the connect is
// returned as it is.
func oneRequest(addr string) error {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// A stopped proxy keeps its port open and never answers: the probe sees it,
// the life is condemned and the next one serves. Readiness falls at once.
func TestAHungProxyIsReplaced(t *testing.T) {
	addr := freeAddr(t)
	members := sampleMembers(t, 1)
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: %q}
listen: [{name: http, address: %q}]
proxy:
  builtin:
    pools: {p: {members: [{name: a, url: "http://%s"}]}}
    routes: [{pool: p}]
supervisor: {stop_timeout: 200ms, backoff: {initial: 50ms}}
watchdog:
  probes:
    - {name: alive, role: liveness, url: "http://%s/", period: 200ms, timeout: 200ms, fall: 3}
`, freeAddr(t), addr, members[0], addr))
	r := start(t, "run", "-c", path)
	pid := r.await("child_ready", nil).number("pid")
	if err := syscall.Kill(int(pid), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	condemned := r.await("child_condemned", nil)
	if !strings.Contains(condemned.text("reason"), "alive") {
		t.Errorf("condemned for %q", condemned.text("reason"))
	}
	r.await("child_ready", func(l journalLine) bool { return l.number("life") == 2 })
	if code, _ := get(t, "http://"+addr+"/"); code != 200 {
		t.Errorf("the next life answers %d", code)
	}
}

func TestReadinessFallsTheMomentTheChildIsDown(t *testing.T) {
	admin := freeAddr(t)
	path := write(t, t.TempDir(), "reeve.yaml", fmt.Sprintf(`
admin: {listen: %q}
proxy: {command: [sleep, "1000"]}
supervisor: {backoff: {initial: 1h, max: 1h}}
`, admin))
	r := start(t, "run", "-c", path)
	pid := r.await("child_ready", nil).number("pid")
	if code, _ := get(t, "http://"+admin+"/readyz"); code != 200 {
		t.Fatalf("ready child: %d", code)
	}
	syscall.Kill(int(pid), syscall.SIGKILL)
	r.await("child_backed_off", nil)
	for deadline := time.Now().Add(patience); ; {
		code, body := get(t, "http://"+admin+"/readyz")
		if code == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("dead child: %d %q", code, body)
		}
	}
	if code, _ := get(t, "http://"+admin+"/healthz"); code != 200 {
		t.Errorf("reeve itself is alive, but /healthz says %d", code)
	}
	// A restart asked for while waiting starts the next life at once.
	r.verb("restart")
	r.await("child_ready", func(l journalLine) bool { return l.number("life") == 2 })
}

// The requests that a life takes with it are read from its scoreboard after
// its death.
func TestAPostMortemNamesTheRequestsInFlight(t *testing.T) {
	r, url := startProxy(t, sampleMembers(t, 1), "")
	pid := r.await("child_ready", nil).number("pid")
	go tryGet(url + "/slow?ms=60000")
	for deadline := time.Now().Add(patience); len(r.report().Requests) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the request never came")
		}
	}
	syscall.Kill(int(pid), syscall.SIGKILL)
	died := r.await("child_died", nil)
	if died.number("in_flight") != 1 {
		t.Errorf("in flight at death: %v", died.Attrs)
	}
	text, err := os.ReadFile(died.text("post_mortem"))
	if err != nil || !strings.Contains(string(text), `"/slow"`) {
		t.Errorf("post-mortem: %v\n%s", err, text)
	}
}

func TestAnOperatorEndsOneRequest(t *testing.T) {
	r, url := startProxy(t, sampleMembers(t, 1), "")
	done := make(chan int, 1)
	go func() {
		code, _, _ := tryGet(url + "/slow?ms=60000")
		done <- code
	}()
	var id uint64
	for deadline := time.Now().Add(patience); id == 0; {
		if q := r.report().Requests; len(q) > 0 {
			id = q[0].ID
		}
		if time.Now().After(deadline) {
			t.Fatal("the request never came")
		}
	}
	if out, code := r.tryVerb("kill", "999999"); code == 0 {
		t.Errorf("killed a request that is not there: %s", out)
	}
	r.verb("kill", fmt.Sprint(id))
	if code := <-done; code == 200 {
		t.Error("the killed request was answered with 200")
	}
	r.await("request_killed", func(l journalLine) bool { return l.text("by") == "operator" })
}

// A reload puts new routes into force without a new process.
func TestReloadChangesTheProxyWithoutANewProcess(t *testing.T) {
	addr := freeAddr(t)
	members := sampleMembers(t, 1)
	text := fmt.Sprintf(`
admin: {listen: "off"}
listen: [{name: http, address: %q}]
proxy:
  builtin:
    pools: {p: {members: [{name: a, url: "http://%s"}]}}
    routes: [{pool: p, prefix: /a}]
`, addr, members[0])
	dir := t.TempDir()
	path := write(t, dir, "reeve.yaml", text)
	r := start(t, "run", "-c", path)
	pid := r.await("child_ready", nil).number("pid")
	if code, _ := get(t, "http://"+addr+"/b"); code != 403 {
		t.Fatalf("/b before: %d", code)
	}
	write(t, dir, "reeve.yaml", strings.Replace(text, "/a}", "/}", 1))
	r.verb("reload")
	for deadline := time.Now().Add(patience); ; {
		if code, _ := get(t, "http://"+addr+"/b"); code != 403 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new route never came into force")
		}
	}
	if got := r.report().Child.PID; got != int(pid) {
		t.Errorf("pid %d, was %v", got, pid)
	}
}

// systemd-notify speaks the manager's side; here reeve is the service.
func TestReeveTellsItsManager(t *testing.T) {
	dir := t.TempDir()
	sock := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: sock, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Setenv("NOTIFY_SOCKET", sock)
	t.Setenv("WATCHDOG_USEC", "400000")
	r := start(t, "run", "--admin", "off", "--", "sleep", "1000")
	wanted := []string{"READY=1", "WATCHDOG=1"}
	c.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 4096)
	for len(wanted) > 0 {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("still waiting for %v: %v", wanted, err)
		}
		for i, w := range wanted {
			if strings.Contains(string(buf[:n]), w) {
				wanted = append(wanted[:i], wanted[i+1:]...)
				break
			}
		}
	}
	r.signal(syscall.SIGTERM)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("no STOPPING=1: %v", err)
		}
		if strings.Contains(string(buf[:n]), "STOPPING=1") {
			return
		}
	}
}
