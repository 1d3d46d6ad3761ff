package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// rig is a running proxy with what surrounds it.
type rig struct {
	*Server
	t      testing.TB
	addr   string
	board  *scoreboard.Board
	events *event.Recorder
	log    *lockedBuffer
	stop   context.CancelFunc
	ended  chan error
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs a proxy until the test ends.
func start(t testing.TB, c Config) *rig {
	t.Helper()
	board, err := scoreboard.Create(max(scoreboard.MinSlots, c.MaxRequests))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, addr: l.Addr().String(), board: board, events: &event.Recorder{}, log: &lockedBuffer{}, ended: make(chan error, 1)}
	r.Server, err = New(Options{
		Config: c, Listeners: []net.Listener{l}, Board: scoreboard.NewWriter(board), Events: r.events, Access: r.log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		r.end()
		if n := len(board.Snapshot(nil)); n != 0 || board.Started() != board.Completed() {
			t.Errorf("%d requests left on the board, started %d, completed %d", n, board.Started(), board.Completed())
		}
		board.Close()
	})
	return r
}

// end stops the proxy and waits for it; the access log is whole after.
func (r *rig) end() {
	r.stop()
	if err, ok := <-r.ended; ok {
		close(r.ended)
		if err != nil {
			r.t.Errorf("Run: %v", err)
		}
	}
}

// defaults is a configuration of one pool over the members, by URL.
func defaults(urls ...string) Config {
	c := config.Default[Config]()
	p := config.Default[PoolConfig]()
	for i, u := range urls {
		p.Members = append(p.Members, MemberConfig{Name: fmt.Sprintf("m%d", i+1), URL: u})
	}
	c.Pools = map[string]PoolConfig{"all": p}
	c.Routes = []RouteConfig{{Prefix: "/", Pool: "all"}}
	c.Drain = config.Duration(time.Second)
	return c
}

// origin starts a member.
func originServer(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// named starts a member that answers with its name.
func named1(t testing.TB, name string) string {
	return originServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Member", name)
		io.WriteString(w, name)
	}).URL
}

// client keeps connections and follows no redirects.
func client(t testing.TB) *http.Client {
	tr := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *rig) get(c *http.Client, path string) (*http.Response, string) {
	r.t.Helper()
	resp, err := c.Get("http://" + r.addr + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(body)
}

// raw sends bytes on a new connection and returns the first reply.
func (r *rig) raw(request string) (*http.Response, string) {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		r.t.Fatalf("%q: %v", request, err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body)
}

func TestSeedSite(t *testing.T) {
	c := config.Default[Config]()
	c.Pools = map[string]PoolConfig{}
	for pool, names := range map[string][]string{"static": {"www1", "www2", "www3", "www4"}, "dynamic": {"www5", "www6"}} {
		p := config.Default[PoolConfig]()
		for _, n := range names {
			p.Members = append(p.Members, MemberConfig{Name: n, URL: named1(t, n)})
		}
		c.Pools[pool] = p
	}
	d := c.Pools["dynamic"]
	d.Method = "random"
	c.Pools["dynamic"] = d
	c.Routes = []RouteConfig{{Path: `\.(cgi|shtml)$`, Pool: "dynamic"}, {Prefix: "/", Pool: "static"}}
	r := start(t, c)
	cl := client(t)

	var order []string
	for range 8 {
		_, body := r.get(cl, "/index.html?x=.cgi")
		order = append(order, body)
	}
	if got := strings.Join(order, " "); got != "www1 www2 www3 www4 www1 www2 www3 www4" {
		t.Errorf("static order = %s", got)
	}
	seen := map[string]int{}
	for range 200 {
		_, body := r.get(cl, "/cgi-bin/a.cgi?q=1")
		seen[body]++
	}
	if len(seen) != 2 || seen["www5"] < 50 || seen["www6"] < 50 {
		t.Errorf("dynamic = %v", seen)
	}
	// The path that routes see has its plain characters plain.
	if _, body := r.get(cl, "/a%2ecgi"); body != "www5" && body != "www6" {
		t.Errorf("/a%%2ecgi went to %s", body)
	}
	if _, body := r.get(cl, "/foo.cgi/extra"); !strings.HasPrefix(body, "www") || body > "www4" {
		t.Errorf("/foo.cgi/extra went to %s", body)
	}
	r.end()
	if !strings.Contains(r.log.String(), " 127.0.0.1 -> www1 URL: /index.html ") {
		t.Errorf("log:\n%.300s", r.log)
	}
}
