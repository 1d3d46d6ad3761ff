//go:build benchpeers && linux

package benchpeers

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/testproc"
)

const (
	wrkTime  = "5s"
	bodySize = 1024
	// perConnection is how many requests a connection may carry, of every proxy.
	perConnection = 1000
)

// throughProxy is a proxy under trial.
type throughProxy struct {
	name  string
	start func(t testing.TB, addr string, members []string) *proc
	reeve bool
}

var throughProxies = []throughProxy{
	{"nginx", startNginx, false},
	{"**reeve**", func(t testing.TB, addr string, members []string) *proc {
		return startReeveProxy(t, addr, members, "")
	}, true},
	{"**reeve**, no access log", func(t testing.TB, addr string, members []string) *proc {
		return startReeveProxy(t, addr, members, "    access_log: {format: \"\"}\n")
	}, true},
	{"haproxy", startHaproxy, false},
	{"apache2 (mod_proxy_balancer)", startApache, false},
}

// passed is what wrk saw, and what the proxy took for it.
type passed struct {
	rate     float64
	cpu      time.Duration // of one request
	requests int
	bad      string
}

// proxy sends requests through each proxy to the same two members.
func proxy(t *testing.T) {
	testproc.Need(t, "wrk")
	members := []string{freeAddr(t), freeAddr(t)}
	for _, m := range members {
		startMember(t, m)
	}
	results := map[string]passed{}
	for _, p := range throughProxies {
		t.Run(strings.ReplaceAll(p.name, "*", ""), func(t *testing.T) {
			r := p.measure(t, members)
			results[p.name] = r
			if p.reeve && (r.bad != "" || r.requests == 0) {
				t.Errorf("%d requests; wrk says %s", r.requests, r.bad)
			}
		})
	}
	out := newTable("A request through the proxy",
		fmt.Sprintf("wrk -t1 -c32 -d%s, a reply of %d bytes from two nginx members, kept connections on both sides (%d requests each), an access log in a file; CPU is of all processes of the proxy, reeve's supervisor and its log pump included.", wrkTime, bodySize, perConnection),
		"proxy", "requests/s", "ratio to nginx", "CPU µs per request", "ratio to nginx", "errors")
	base := results["nginx"]
	for _, p := range throughProxies {
		r, ok := results[p.name]
		if !ok {
			out.row(p.name, "not measured", "", "", "", "")
			continue
		}
		out.row(p.name, fmt.Sprintf("%.0f", r.rate), ratio(r.rate, base.rate), fmt.Sprintf("%.1f", float64(r.cpu)/1e3),
			ratio(float64(r.cpu), float64(base.cpu)), r.bad)
	}
	out.print()
}

func ratio(a, b float64) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a/b)
}

func (p throughProxy) measure(t testing.TB, members []string) passed {
	t.Helper()
	addr := freeAddr(t)
	run := p.start(t, addr, members)
	until(t, "the proxy's first answer", func() bool { out, err := wrk(addr, "100ms"); return err == nil && requestsIn(out) > 0 })
	treeCPU := func() (sum time.Duration) {
		for _, id := range tree(run.pid()) {
			sum += cpuTicks(id.pid)
		}
		return sum
	}
	before := treeCPU()
	out, err := wrk(addr, wrkTime)
	must(t, err)
	cpu := treeCPU() - before
	r := passed{requests: requestsIn(out)}
	r.cpu = cpu / time.Duration(max(r.requests, 1))
	if m := regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`).FindStringSubmatch(out); m != nil {
		r.rate, _ = strconv.ParseFloat(m[1], 64)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "Non-2xx") || strings.Contains(line, "Socket errors") {
			r.bad += strings.TrimSpace(line) + " "
		}
	}
	return r
}

func wrk(addr, duration string) (string, error) {
	args := []string{"-t1", "-c32", "-d" + duration, "http://" + addr + "/"}
	if strings.HasSuffix(duration, "ms") {
		args[2] = "-d1s" // wrk counts in seconds
	}
	out, err := exec.Command("wrk", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("wrk: %w: %s", err, out)
	}
	return string(out), nil
}

func requestsIn(out string) int {
	m := regexp.MustCompile(`(\d+) requests in`).FindStringSubmatch(out)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func startReeveProxy(t testing.TB, addr string, members []string, more string) *proc {
	more += fmt.Sprintf("    keep_alive: {requests: %d}", perConnection)
	return runReeve(t, builtinConfig(addr, members, more, "")).proc
}

// nginxHead is what every nginx here needs to run in a folder of its own.
const nginxHead = `daemon off; user root; pid %[1]s/pid; error_log %[1]s/error;
worker_processes %[2]d;
events { worker_connections 1024; }
http {
client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
`

func runNginx(t testing.TB, workers int, conf string) *proc {
	dir := t.TempDir()
	path := write(t, 0o600, fmt.Sprintf(nginxHead, dir, workers)+strings.ReplaceAll(conf, "DIR", dir)+"}\n", dir, "nginx.conf")
	return launch(t, exec.Command(testproc.Need(t, "nginx"), "-c", path, "-p", dir, "-e", filepath.Join(dir, "error")))
}

func startMember(t testing.TB, addr string) {
	t.Helper()
	runNginx(t, 1, fmt.Sprintf("access_log off; keepalive_requests 1000000;\nserver { listen %s; return 200 \"%s\"; }\n", addr, strings.Repeat("x", bodySize)))
	until(t, "a member", func() bool { _, err := exec.Command("curl", "-fs", "http://"+addr+"/").Output(); return err == nil })
}

func startNginx(t testing.TB, addr string, members []string) *proc {
	return runNginx(t, 2, fmt.Sprintf(`access_log DIR/access combined; keepalive_requests %d;
upstream u { server %s; server %s; keepalive 64; keepalive_requests 1000000; }
server { listen %s; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; } }
`, perConnection, members[0], members[1], addr))
}

func startHaproxy(t testing.TB, addr string, members []string) *proc {
	dir := t.TempDir()
	path := write(t, 0o600, fmt.Sprintf(`global
	nbthread 2
	log stdout format raw local0
defaults
	mode http
	log global
	option httplog
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend f
	bind %s
	default_backend b
backend b
	http-reuse always
	server one %s
	server two %s
`, addr, members[0], members[1]), dir, "haproxy.cfg")
	return launch(t, exec.Command(testproc.Need(t, "haproxy"), "-db", "-f", path))
}

func startApache(t testing.TB, addr string, members []string) *proc {
	program := testproc.Need(t, "apache2")
	const modules = "/usr/lib/apache2/modules"
	var conf strings.Builder
	for _, m := range []string{"mpm_event", "authz_core", "slotmem_shm", "proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests"} {
		fmt.Fprintf(&conf, "LoadModule %[1]s_module %[2]s/mod_%[1]s.so\n", m, modules)
	}
	dir := t.TempDir()
	fmt.Fprintf(&conf, `ServerName bench
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/pid
Mutex file:%[1]s default
User www-data
Group www-data
Listen %[2]s
ErrorLog %[1]s/error
LogFormat "%%h %%l %%u %%t \"%%r\" %%>s %%O \"%%{Referer}i\" \"%%{User-Agent}i\"" combined
CustomLog %[1]s/access combined
KeepAlive On
MaxKeepAliveRequests %[5]d
<Proxy balancer://b>
BalancerMember http://%[3]s
BalancerMember http://%[4]s
</Proxy>
ProxyPass / balancer://b/
`, dir, addr, members[0], members[1], perConnection)
	path := write(t, 0o600, conf.String(), dir, "apache.conf")
	return launch(t, exec.Command(program, "-DFOREGROUND", "-f", path))
}
