package watchdog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or each child would end a second late
	testproc.Main(m, testproc.Roles{
		"pass":  func() int { return 0 },
		"fail":  func() int { fmt.Println("noise\x1b[31m"); fmt.Fprint(os.Stderr, "disk\nis gone"); return 3 },
		"flood": flood,
		"hang":  hang,
		"leave": leave,
		"env":   env,
		"serve": serve,
		"tree":  spawnTree,
		"wait":  func() int { io.Copy(io.Discard, os.Stdin); return 0 },
	})
}

// checkIn asks a probe of the configuration once.
func checkIn(t *testing.T, timeout time.Duration, c ProbeConfig) error {
	t.Helper()
	full := Config{Probes: []ProbeConfig{c}}.complete()
	full.Probes[0].Timeout = config.Duration(timeout)
	full.Probes[0].Period = config.Duration(timeout)
	if err := full.Validate(); err != nil {
		t.Fatal(err)
	}
	c = full.Probes[0]
	err, panicked := check(t.Context(), timeout, newProbe(c, Subject{Life: 3, PID: 4711}, nil))
	if panicked {
		t.Fatal(err)
	}
	return err
}

// long is a timeout that no passing check comes near; short is one that a
// check must run into.
const (
	long  = 20 * time.Second
	short = 200 * time.Millisecond
)

func expect(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("failed: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestHTTPProbe(t *testing.T) {
	var asked atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.UserAgent() != "reeve-probe" || !r.Close {
			w.WriteHeader(500)
		}
		fmt.Fprint(w, "status: green")
	})
	mux.HandleFunc("/sick", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/sick", http.StatusFound) })
	mux.HandleFunc("/host", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host, r.Header.Get("X-A"), r.Method) })
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); fmt.Fprint(w, "late") })
	mux.HandleFunc("/head", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "900") })
	mux.HandleFunc("/basic", func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "u" || p != "p" {
			w.WriteHeader(401)
		}
	})
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 32<<10)
		for range 1 << 15 { // a gigabyte, or until the probe hangs up
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		t.Error("a gigabyte was read")
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	for _, tc := range []struct {
		name string
		c    ProbeConfig
		want string
	}{
		{"passes", ProbeConfig{URL: s.URL + "/ok"}, ""},
		{"body matches", ProbeConfig{URL: s.URL + "/ok", Body: "gre+n$"}, ""},
		{"body does not", ProbeConfig{URL: s.URL + "/ok", Body: "red"}, `do not match "red"`},
		{"wrong status", ProbeConfig{URL: s.URL + "/sick"}, "status 503, want 200-399"},
		{"wanted status", ProbeConfig{URL: s.URL + "/sick", Status: "200, 503"}, ""},
		{"redirect is an answer", ProbeConfig{URL: s.URL + "/moved"}, ""},
		{"redirect is not 200", ProbeConfig{URL: s.URL + "/moved", Status: "200"}, "status 302"},
		{"headers and host", ProbeConfig{URL: s.URL + "/host", Method: "PUT", Headers: map[string]string{"host": "www.example", "X-A": "b"}, Body: "^www.examplebPUT$"}, ""},
		{"huge body", ProbeConfig{URL: s.URL + "/huge"}, ""},
		{"early hints", ProbeConfig{URL: s.URL + "/early", Body: "late"}, ""},
		{"password", ProbeConfig{URL: strings.Replace(s.URL, "//", "//u:p@", 1) + "/basic"}, ""},
		{"HEAD", ProbeConfig{URL: s.URL + "/head", Method: "HEAD"}, ""},
		{"nobody listens", ProbeConfig{URL: "http://" + deadAddress(t) + "/"}, "refused"},
	} {
		t.Run(tc.name, func(t *testing.T) { expect(t, checkIn(t, long, tc.c), tc.want) })
	}
	if asked.Load() != 3 {
		t.Errorf("the server was asked %d times by 3 checks: something tries again", asked.Load())
	}
}

func TestHTTPSProbe(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	expect(t, checkIn(t, long, ProbeConfig{URL: s.URL}), "certificate")
	expect(t, checkIn(t, long, ProbeConfig{URL: s.URL, Insecure: true}), "")
	deaf := listen(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	expect(t, checkIn(t, short, ProbeConfig{URL: "https://" + deaf + "/"}), "no answer within 200ms")
}

func deadAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listen serves each connection with do, and waits for them at the end.
func listen(t *testing.T, do func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			do(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestProbeRunsIntoItsTimeout(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	untilClosed := func(c net.Conn) { io.Copy(io.Discard, c) }
	silent := listen(t, untilClosed)
	drips := func(text string) string {
		return listen(t, func(c net.Conn) {
			bufio.NewReader(c).ReadString('\n')
			io.WriteString(c, text)
			for {
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond) // the drip itself
			}
		})
	}
	for name, address := range map[string]string{
		"never accepts": deaf.Addr().String(),
		"never answers": silent,
		"drips headers": drips("HTTP/1.1 200 OK\r\nX: "),
		"drips a body":  drips("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"),
		"never ends":    drips("HTTP/1.1 200 OK\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, checkIn(t, short, ProbeConfig{URL: "http://" + address + "/"}), "no answer within 200ms")
		})
	}
	t.Run("not http", func(t *testing.T) {
		junk := listen(t, func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH\r\n"); untilClosed(c) })
		expect(t, checkIn(t, long, ProbeConfig{URL: "http://" + junk + "/"}), "malformed")
	})
	t.Run("endless headers", func(t *testing.T) {
		fat := listen(t, func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(c, "X-%d: %s\r\n", i, strings.Repeat("y", 1000)); err != nil {
					return
				}
			}
		})
		expect(t, checkIn(t, long, ProbeConfig{URL: "http://" + fat + "/"}), "longer than 65536 bytes")
	})
}

func TestTCPProbe(t *testing.T) {
	open := listen(t, func(net.Conn) {})
	sock := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	expect(t, checkIn(t, long, ProbeConfig{Kind: TCP, Address: open}), "")
	expect(t, checkIn(t, long, ProbeConfig{Kind: TCP, Address: "unix:" + sock}), "")
	expect(t, checkIn(t, long, ProbeConfig{Kind: TCP, Address: deadAddress(t)}), "refused")
	expect(t, checkIn(t, long, ProbeConfig{Kind: TCP, Address: "unix:" + sock + "x"}), "no such file")
}

// role is the command of an exec probe that plays it.
func role(name string, args ...string) []string {
	return append([]string{"/usr/bin/env", testproc.Env(name), testproc.Self()}, args...)
}

func flood() int {
	for range 1000 {
		fmt.Println(strings.Repeat("z", 1000))
	}
	fmt.Print("last words")
	return 1
}

// hang starts a child that outlives it, tells both pids, and waits for ever.
func hang() int {
	c := testproc.Command("wait")
	in, _ := c.StdinPipe()
	c.Start()
	os.WriteFile(os.Args[1], fmt.Appendf(nil, "%d %d", os.Getpid(), c.Process.Pid), 0o600)
	fmt.Print("so far")
	c.Wait()
	in.Close()
	return 0
}

// leave exits 0 and leaves a child that holds its output open.
func leave() int {
	c := testproc.Command("wait")
	c.Stdout = os.Stdout
	r, _, _ := os.Pipe() // its write end lives as long as this process…
	c.Stdin = r
	c.SysProcAttr = &syscall.SysProcAttr{}
	c.Start()
	os.WriteFile(os.Args[1], fmt.Appendf(nil, "%d", c.Process.Pid), 0o600)
	// …so the child would see its end: stop it before that.
	c.Process.Signal(syscall.SIGSTOP)
	return 0
}

func env() int {
	for _, name := range []string{"NOTIFY_SOCKET", "LISTEN_FDS", "WATCHDOG_USEC"} {
		if v, ok := os.LookupEnv(name); ok {
			fmt.Print(name, "=", v)
			return 1
		}
	}
	fmt.Print(os.Getenv("REEVE_CHILD_PID"), " ", os.Getenv("REEVE_LIFE"))
	return 1
}

func TestExecProbe(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/x")
	t.Setenv("LISTEN_FDS", "3")
	expect(t, checkIn(t, long, ProbeConfig{Kind: Exec, Command: role("pass")}), "")
	expect(t, checkIn(t, long, ProbeConfig{Kind: Exec, Command: role("fail")}), "exit status 3: noise [31m disk is gone")
	expect(t, checkIn(t, long, ProbeConfig{Kind: Exec, Command: role("env")}), "exit status 1: 4711 3")
	expect(t, checkIn(t, long, ProbeConfig{Kind: Exec, Command: []string{"/does/not/exist"}}), "start /does/not/exist")
	err := checkIn(t, long, ProbeConfig{Kind: Exec, Command: role("flood")})
	expect(t, err, "last words")
	if len(err.Error()) > tailLimit+100 {
		t.Errorf("evidence of %d bytes, limit %d", len(err.Error()), tailLimit)
	}
}

func pidsIn(t *testing.T, file string) (pids []int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range strings.Fields(string(text)) {
		n, err := strconv.Atoi(w)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	return pids
}

// awaitDeath waits until the process has ended; somebody else's zombie counts
// as ended.
func awaitDeath(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %d lives on", pid)
}

func TestExecProbeIsKilledWhole(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	file := filepath.Join(t.TempDir(), "pids")
	// The timeout is long enough for the role to have written its pids.
	err := checkIn(t, 3*time.Second, ProbeConfig{Kind: Exec, Command: role("hang", file)})
	expect(t, err, "no answer within 3s: signal: killed: so far")
	for _, pid := range pidsIn(t, file) {
		awaitDeath(t, pid)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pidsIn(t, file)[0])); err == nil {
		t.Error("the probe left a zombie")
	}
}

func TestExecProbeLeavesNobodyBehind(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	file := filepath.Join(t.TempDir(), "pids")
	expect(t, checkIn(t, long, ProbeConfig{Kind: Exec, Command: role("leave", file)}), "")
	awaitDeath(t, pidsIn(t, file)[0])
}

func TestExecProbeStartsThroughItsHook(t *testing.T) {
	started := 0
	p := newExecProbe(ProbeConfig{Name: "x", Command: role("pass")}, Subject{}, func(c *exec.Cmd) error { started++; return c.Start() })
	if err := p.Check(t.Context()); err != nil || started != 1 {
		t.Fatalf("%v, started %d", err, started)
	}
}

// serve is a child that answers until it is stopped; it tells its address.
func serve() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr())
	http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	return 0
}

func TestStoppedChildIsCondemned(t *testing.T) {
	cmd := testproc.Command("serve")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1) // told once before the stop
	w, err := New(Config{Probes: []ProbeConfig{{URL: "http://" + strings.TrimSpace(address) + "/",
		Period: config.Duration(500 * time.Millisecond), Timeout: config.Duration(400 * time.Millisecond), Fall: 3}}},
		event.Discard{}, Hooks{Ready: func(_ uint64, by string) { ready <- by }})
	if err != nil {
		t.Fatal(err)
	}
	verdict := make(chan error, 1) // the one verdict
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { verdict <- w.Watch(ctx, Subject{Life: 1, PID: cmd.Process.Pid}) }()
	select {
	case by := <-ready:
		if by != "liveness" {
			t.Fatalf("ready by %q", by)
		}
	case err := <-verdict:
		t.Fatalf("never ready: %v", err)
	}
	stopped := time.Now()
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var c *Condemned
	if err := <-verdict; !errors.As(err, &c) || c.Failures != 3 || c.Last != "no answer within 400ms" {
		t.Fatalf("verdict %v", err)
	}
	t.Logf("condemned after %s; 3 × 500ms + 400ms allow 1.9s", time.Since(stopped).Round(time.Millisecond))
}

// What an http probe costs at one a second, as percent of a core; the server,
// which is counted too, is the same process.
func BenchmarkHTTPProbe(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	defer s.Close()
	c := Config{Probes: []ProbeConfig{{URL: s.URL}}}.complete().Probes[0]
	p := newProbe(c, Subject{}, nil)
	for b.Loop() {
		if err, _ := check(b.Context(), c.Timeout.Std(), p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/1e9*100, "%core@1s")
}
