//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
	"github.com/reeveproxy/reeve/proxy/manage"
	"github.com/reeveproxy/reeve/proxy/member"
)

// server is a real nginx that plays one of the cluster's servers, with a
// loopback address of its own, so that servers differ by name and not by port
// alone.
type server struct {
	name, addr, dir string
	cmd             *exec.Cmd
}

// startServer writes the files and the configuration of www<n> and starts it.
// The first four serve files, the others programs.
func startServer(t *testing.T, n int) *server {
	t.Helper()
	host := fmt.Sprintf("127.0.0.%d", 10+n)
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{name: fmt.Sprintf("www%d", n), addr: l.Addr().String(), dir: t.TempDir()}
	l.Close()
	for path, text := range map[string]string{"index.html": "home", "sub/page.html": "page", "foo.cgi/extra": "extra", "load.html": "load"} {
		path = filepath.Join(s.dir, "html", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+" of "+s.name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	class := "location / { root html; }"
	if n > 4 {
		class = `location ~ \.(cgi|shtml)$ { return 200 "program of ` + s.name + ` asked for $request_uri by $request_method\n"; }`
	}
	write(t, s.dir, "nginx.conf", nginxMain()+fmt.Sprintf(`
error_log stderr warn;
events {}
http {
  log_format who '$request_method $request_uri $status';
  access_log access.log who;
  %s
  add_header X-Server %s always;
  server {
    listen %s;
    location ~ ^/redirect(\.cgi)?$ { return 302 http://%s/sub/page.html?from=%s; }
    location ~ ^/refresh(\.cgi)?$ {
      add_header Refresh "5; url=http://%s/index.html";
      add_header Set-Cookie "at=%s; Domain=%s; Path=/";
      add_header X-Server %s;
      return 200 "wait\n";
    }
    %s
  }
}
`, nginxTemps, s.name, s.addr, s.addr, s.name, s.addr, s.name, host, s.name, class))
	s.start(t)
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	return s
}

// nginxMain begins a configuration that runs as the test's own user.
func nginxMain() string {
	text := "worker_processes 1;\npid nginx.pid;\n"
	if os.Geteuid() == 0 {
		text += "user root;\n"
	}
	return text
}

// nginxTemps keeps nginx's folders inside its prefix.
const nginxTemps = "client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;"

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(testproc.Need(t, "nginx"), "-g", "daemon off;", "-p", s.dir, "-e", "stderr", "-c", filepath.Join(s.dir, "nginx.conf"))
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitAnswer(t, s.addr)
}

// end signals master and worker alike and waits for the master.
func (s *server) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	syscall.Kill(-s.cmd.Process.Pid, sig)
	s.cmd.Wait()
	s.cmd = nil
}

// log ends the server and returns what it was asked.
func (s *server) log(t *testing.T) string {
	t.Helper()
	s.end(syscall.SIGQUIT) // nginx has written its lines when it is gone
	text, err := os.ReadFile(filepath.Join(s.dir, "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// cluster is the site of deploy/examples/web-cluster.yaml, running.
type cluster struct {
	*reeve
	t       *testing.T
	addr    string
	servers []*server
	logs    string
}

// startCluster runs the shipped example over six servers. Nothing of the
// example is changed but addresses and folders, and what edits (old, new, ...)
// replaces.
func startCluster(t *testing.T, edits ...string) *cluster {
	t.Helper()
	testproc.Need(t, "nginx")
	c := &cluster{t: t, addr: freeAddr(t), logs: filepath.Join(t.TempDir(), "logs")}
	if err := os.Mkdir(c.logs, 0o755); err != nil {
		t.Fatal(err)
	}
	edits = append([]string{
		"address: 0.0.0.0:80", "address: " + c.addr,
		"http://127.0.0.1:80/", "http://" + c.addr + "/",
		"dir: /var/log/reeve", "dir: " + c.logs,
	}, edits...)
	for n := 1; n <= 6; n++ {
		s := startServer(t, n)
		c.servers = append(c.servers, s)
		edits = append(edits, fmt.Sprintf("http://www%d.foo.dom:80", n), "http://"+s.addr)
	}
	example, err := os.ReadFile("../../deploy/examples/web-cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(example)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("the example has no %q", edits[i])
		}
		text = strings.ReplaceAll(text, edits[i], edits[i+1])
	}
	c.reeve = start(t, "run", "--admin", "off", "-c", write(t, t.TempDir(), "web-cluster.yaml", text))
	c.await("child_ready", nil)
	return c
}

// reply is an answer of the proxy, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends the head as it is over a connection of its own and reads the
// reply. It ends every line and the head, and adds Connection: close.
func (c *cluster) ask(lines ...string) reply {
	c.t.Helper()
	r, err := c.tryAsk(lines...)
	if err != nil {
		c.t.Fatalf("%q: %v", lines, err)
	}
	return r
}

func (c *cluster) tryAsk(lines ...string) (reply, error) {
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\nConnection: close\r\n\r\n"); err != nil {
		return reply{}, err
	}
	method, _, _ := strings.Cut(lines[0], " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

// page asks for a path of the site.
func (c *cluster) page(path string) reply {
	c.t.Helper()
	return c.ask("GET "+path+" HTTP/1.1", "Host: www.foo.dom")
}

// Which server serves a URL depends on the URL's class alone, and every class
// uses all of its servers by its method.
func TestTheClusterServesEachClassFromItsPool(t *testing.T) {
	c := startCluster(t)
	static, dynamic := regexp.MustCompile(`^www[1-4]$`), regexp.MustCompile(`^www[56]$`)
	for _, q := range []struct {
		head  string
		class *regexp.Regexp
		body  string
	}{
		{"GET / HTTP/1.1", static, "home of www"},
		{"GET /sub/page.html HTTP/1.1", static, "page of www"},
		{"GET /sub/page.html?x=a.cgi HTTP/1.1", static, "page of www"}, // the query is no part of the class
		{"GET /foo.cgi/extra HTTP/1.1", static, "extra of www"},        // the path does not end in .cgi
		{"GET /foo.cgi HTTP/1.1", dynamic, "asked for /foo.cgi by GET"},
		{"GET /dir/x.shtml HTTP/1.1", dynamic, "asked for /dir/x.shtml by GET"},
		{"GET /foo.cgi?name=a/b.html&y=%20 HTTP/1.1", dynamic, "asked for /foo.cgi?name=a/b.html&y=%20 by GET"},
		{"POST /foo.cgi HTTP/1.1", dynamic, "asked for /foo.cgi by POST"},
		{"HEAD /sub/page.html HTTP/1.1", static, ""},
		{"GET http://foo.dom/foo.cgi HTTP/1.1", dynamic, "asked for /foo.cgi by GET"}, // absolute, and this site's own
	} {
		lines := []string{q.head, "Host: www.foo.dom"}
		if strings.HasPrefix(q.head, "POST") {
			lines = append(lines, "Content-Length: 0")
		}
		r := c.ask(lines...)
		if r.status != 200 || !q.class.MatchString(r.header.Get("X-Server")) || !strings.Contains(r.body, q.body) {
			t.Errorf("%s: %d by %q: %q", q.head, r.status, r.header.Get("X-Server"), r.body)
		}
	}

	shares := map[string]int{}
	for range 400 {
		shares[c.page("/sub/page.html").header.Get("X-Server")]++
	}
	for _, s := range c.servers[:4] {
		if shares[s.name] != 100 {
			t.Errorf("shares of 400 requests by requests: %v, want 100 each", shares)
			break
		}
	}
	chance := map[string]int{}
	for range 200 {
		chance[c.page("/foo.cgi").header.Get("X-Server")]++
	}
	// Less than 40 of 200 fair throws is a matter of one in 10^18.
	if chance["www5"] < 40 || chance["www6"] < 40 || chance["www5"]+chance["www6"] != 200 {
		t.Errorf("shares of 200 requests by chance: %v", chance)
	}
}

// Nobody sees the servers' own names: not in a redirect, a refresh or a cookie.
func TestTheClusterHidesItsServers(t *testing.T) {
	c := startCluster(t)
	for _, q := range []struct{ host, suffix string }{{"www.foo.dom", ""}, {"www.foo.dom", ".cgi"}, {"foo.dom:8080", ""}} {
		for range 4 {
			r := c.ask("GET /redirect"+q.suffix+" HTTP/1.1", "Host: "+q.host)
			by := r.header.Get("X-Server")
			if want := "http://" + q.host + "/sub/page.html?from=" + by; by == "" || r.status != 302 || r.header.Get("Location") != want {
				t.Errorf("%s: %d, Location %q, want %q", q.host, r.status, r.header.Get("Location"), want)
			}
			r = c.ask("GET /refresh"+q.suffix+" HTTP/1.1", "Host: "+q.host)
			name, _, _ := strings.Cut(q.host, ":")
			if want := "5; url=http://" + q.host + "/index.html"; r.status != 200 || r.header.Get("Refresh") != want {
				t.Errorf("%s: %d, Refresh %q, want %q", q.host, r.status, r.header.Get("Refresh"), want)
			}
			if want := "at=" + r.header.Get("X-Server") + "; Domain=" + name + "; Path=/"; r.header.Get("Set-Cookie") != want {
				t.Errorf("%s: Set-Cookie %q, want %q", q.host, r.header.Get("Set-Cookie"), want)
			}
		}
	}
}

// What is not this site's is refused by the proxy itself. The servers' own logs
// prove that none of it, nor the status page, was passed on.
func TestTheClusterRefusesAndKeepsItsStatusPage(t *testing.T) {
	c := startCluster(t)
	for _, q := range []struct {
		status int
		lines  []string
	}{
		{403, []string{"GET http://www.other.dom/private HTTP/1.1", "Host: www.other.dom"}},
		{403, []string{"GET http://www.other.dom/private HTTP/1.1", "Host: www.foo.dom"}},
		{403, []string{"GET http://" + c.servers[0].addr + "/private HTTP/1.1", "Host: www.foo.dom"}},
		{403, []string{"GET ftp://www.foo.dom/private HTTP/1.1", "Host: www.foo.dom"}},
		{405, []string{"CONNECT www.foo.dom:443 HTTP/1.1", "Host: www.foo.dom:443"}},
		{405, []string{"CONNECT " + c.servers[0].addr + " HTTP/1.1", "Host: " + c.servers[0].addr}},
		{405, []string{"TRACE /private HTTP/1.1", "Host: www.foo.dom"}},
		{403, []string{"DELETE /private HTTP/1.1", "Host: www.foo.dom"}},
		{403, []string{"PUT /private.cgi HTTP/1.1", "Host: www.foo.dom", "Content-Length: 0"}},
		{403, []string{"POST /private.html HTTP/1.1", "Host: www.foo.dom", "Content-Length: 0"}},
		{403, []string{"GET /private HTTP/1.1", "Host: www.other.dom"}},
		{403, []string{"GET /private HTTP/1.1", "Host: " + c.addr}},
		{400, []string{"GET /private HTTP/1.1"}},
	} {
		r := c.ask(q.lines...)
		if r.status != q.status || r.header.Get("X-Server") != "" {
			t.Errorf("%q: %d by %q, want %d by the proxy", q.lines, r.status, r.header.Get("X-Server"), q.status)
		}
	}
	for _, host := range []string{"www.foo.dom", c.addr} {
		r := c.ask("GET /rproxy-status HTTP/1.1", "Host: "+host)
		if r.status != 200 || r.header.Get("X-Server") != "" || !strings.Contains(r.body, "www1") || !strings.Contains(r.body, "www6") {
			t.Errorf("status page for %s: %d %.300q", host, r.status, r.body)
		}
	}
	c.ask("GET /rproxy-status/below HTTP/1.1", "Host: www.foo.dom")
	c.ask("GET http://www.foo.dom/rproxy-status?json HTTP/1.1", "Host: www.foo.dom")
	for range 8 {
		c.page("/sub/page.html")
	}
	for _, s := range c.servers {
		log := s.log(t)
		if strings.Contains(log, "rproxy-status") || strings.Contains(log, "private") {
			t.Errorf("%s was asked for what is not its business:\n%s", s.name, log)
		}
		if s.name < "www5" && strings.Count(log, "GET /sub/page.html 200") != 2 {
			t.Errorf("%s has not logged its two pages:\n%s", s.name, log)
		}
	}
}

// member is what the status page says of a server.
func (c *cluster) member(name string) member.View {
	c.t.Helper()
	var all manage.Status
	if err := json.Unmarshal([]byte(c.page("/rproxy-status?json").body), &all); err != nil {
		c.t.Fatal(err)
	}
	for _, p := range all.Pools {
		for _, m := range p.Members {
			if m.Name == name {
				return m
			}
		}
	}
	c.t.Fatalf("the status page does not know %s", name)
	return member.View{}
}

// A server that dies is taken out and brought back, and its clients go on with
// the others.
func TestTheClusterLosesAServerAndGetsItBack(t *testing.T) {
	c := startCluster(t, "method: byrequests", "method: byrequests\n        check: {retry: 100ms}")
	lost := c.servers[1]
	// A connect that fails, and a reply that never began, are the proxy's to
	// mend: only a reply that was under way can be lost.
	count := func(n int) (by map[string]int, cut int) {
		by = map[string]int{}
		for range n {
			r, err := c.tryAsk("GET /sub/page.html HTTP/1.1", "Host: www.foo.dom")
			if err != nil {
				cut++
			} else if by[r.header.Get("X-Server")]++; r.status != 200 {
				t.Errorf("a client was answered %d %q", r.status, r.body)
			}
		}
		return by, cut
	}
	if by, cut := count(8); cut > 0 || by[lost.name] != 2 {
		t.Fatalf("before: %v, %d cut", by, cut)
	}
	// It dies while requests are on their way.
	var killer sync.WaitGroup
	killer.Go(func() { lost.end(syscall.SIGKILL) })
	cut := 0
	for deadline := time.Now().Add(patience); !c.seen("member_down"); { // requests are what finds it
		_, n := count(4)
		cut += n
		if time.Now().After(deadline) {
			t.Fatal("nobody noticed that the server is gone")
		}
	}
	killer.Wait()
	if cut > 1 {
		t.Errorf("%d replies were cut, want the one in flight at most", cut)
	}
	c.await("member_down", func(l journalLine) bool { return l.text("member") == lost.name && l.text("pool") == "static" })
	// It is tried in vain, which no client sees.
	for deadline := time.Now().Add(patience); c.member(lost.name).Errors < 3; {
		if by, cut := count(40); cut > 0 || by["www1"] < 10 || by["www3"] < 10 || by["www4"] < 10 {
			t.Fatalf("the others did not take over: %v, %d cut", by, cut)
		}
		if time.Now().After(deadline) {
			t.Fatalf("it was not tried again: %+v", c.member(lost.name))
		}
	}
	if c.seen("member_up") {
		t.Error("a dead server was said to be up")
	}
	lost.start(t)
	for deadline := time.Now().Add(patience); !c.seen("member_up"); { // requests are what brings it back
		if _, cut := count(4); cut > 0 {
			t.Fatal("a reply was cut while the server came back")
		}
		if time.Now().After(deadline) {
			t.Fatal("the server never came back")
		}
	}
	c.await("member_up", func(l journalLine) bool { return l.text("member") == lost.name })
	if by, cut := count(40); cut > 0 || by[lost.name] != 10 {
		t.Errorf("after it came back: %v, %d cut", by, cut)
	}
}

// accessLine is a line of the format delegation; a client that left before the
// reply began has no status.
var accessLine = regexp.MustCompile(`^ ?\d{1,2}-[A-Z][a-z]{2}-\d{4}/\d\d:\d\d:\d\d 127\.0\.0\.1 -> (www[1-4]) URL: /load\.html \d+\.\d{3}/\d+\.\d{3} (?:\d{3} [a-z_]+|0 client_abort)$`)

// The real wrk drives the site while the proxy is killed: no connect fails, the
// next life serves, and the log accounts for what was served.
func TestTheClusterUnderLoadLosesItsProxy(t *testing.T) {
	wrk := testproc.Need(t, "wrk")
	c := startCluster(t)
	pid := int(c.await("child_ready", nil).number("pid"))
	load := exec.Command(wrk, "-t1", "-c16", "-d60s", "-H", "Host: www.foo.dom", "http://"+c.addr+"/load.html")
	var out strings.Builder
	load.Stdout, load.Stderr = &out, &out
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { load.Process.Kill() })
	c.awaitServed("the first life", 200)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.await("child_died", func(l journalLine) bool { return l.number("pid") == float64(pid) && l.text("status") == "signal KILL" })
	c.await("child_ready", func(l journalLine) bool { return l.number("life") == 2 })
	c.awaitServed("the second life", 200)
	load.Process.Signal(syscall.SIGINT) // wrk ends early and prints what it has
	if err := load.Wait(); err != nil {
		t.Fatalf("wrk: %v\n%s", err, &out)
	}
	t.Logf("%s", &out)
	// The replies that the kill cut short are read errors; without them the
	// kill came too late to prove anything about connects.
	m := regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+),`).FindStringSubmatch(out.String())
	if m == nil || m[2] == "0" {
		t.Fatalf("the kill was not felt\n%s", &out)
	}
	// wrk tells a refused connect as an error of its first write and tries
	// again at once, so that a closed port makes thousands. A write of its own
	// can meet the kill once on each of its connections.
	if writes, _ := strconv.Atoi(m[3]); m[1] != "0" || writes > 16 {
		t.Errorf("connects failed\n%s", &out)
	}
	if strings.Contains(out.String(), "Non-2xx") {
		t.Errorf("some replies were not 200\n%s", &out)
	}
	asked := c.asked()
	if asked < 200 {
		t.Errorf("the second life now says that it asked its members %d times", asked)
	}
	if l := c.logStatus("access"); !balanced(l) || l.In.Lines < 200 || l.Dropped.Lines > 0 {
		t.Errorf("lines do not add up: %+v", l)
	}
	c.verb("stop")
	c.checkAccessLog(wrkTotal(t, out.String()), asked)
}

// asked is how often the running life has asked its members.
func (c *cluster) asked() (n uint64) {
	c.t.Helper()
	var proxy manage.Status
	if json.Unmarshal(c.report().Proxy, &proxy) != nil {
		return 0 // it has not answered in time
	}
	for _, p := range proxy.Pools {
		for _, m := range p.Members {
			n += m.Elected
		}
	}
	return n
}

// awaitServed waits until a life has asked its members n times.
func (c *cluster) awaitServed(life string, n uint64) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); c.asked() < n; {
		if time.Now().After(deadline) {
			c.t.Fatalf("%s has asked its members %d times within %v, want %d", life, c.asked(), patience, n)
		}
	}
}

func wrkTotal(t *testing.T, out string) int {
	t.Helper()
	m := regexp.MustCompile(`(\d+) requests in`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("wrk said:\n%s", out)
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// checkAccessLog reads the log of a reeve that is ending. served is what the
// client counted, asked what the last life took on, all of which it must have
// logged.
func (c *cluster) checkAccessLog(served int, asked uint64) {
	c.t.Helper()
	if code := c.exit(); code != 0 {
		c.t.Errorf("exit %d", code)
	}
	text, err := os.ReadFile(filepath.Join(c.logs, "access.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	by, strange := map[string]uint64{}, 0
	lines := uint64(0)
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "-> - URL: /rproxy-status ") {
			continue // of probes, which no member saw
		}
		m := accessLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			if strange++; strange <= 3 {
				c.t.Logf("line: %q", line)
			}
			continue
		}
		by[m[1]]++
		lines++
	}
	// The life that was killed may have left one line unfinished.
	if strange > 1 || len(by) != 4 || lines < asked {
		c.t.Errorf("%d strange lines, members %v, %d lines of at least %d requests", strange, by, lines, asked)
	}
	c.t.Logf("wrk counted %d replies, the log has %d lines: %v", served, lines, by)
}
