package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/testproc"
	"github.com/reeveproxy/reeve/proxy/balance"
	"github.com/reeveproxy/reeve/proxy/member"
)

// closedPort is an address where nobody listens.
func closedPort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// breaker is a member that reads a request and breaks off.
func breaker(t testing.TB, hits *atomic.Int64) string {
	return originServer(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		panic(http.ErrAbortHandler)
	}).URL
}

func TestConnectFailureGoesToAnother(t *testing.T) {
	dead := closedPort(t)
	var bodies atomic.Int64
	alive := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies.Add(int64(len(b)))
		io.WriteString(w, "alive")
	})
	c := defaults("http://"+dead, alive.URL)
	p := c.Pools["all"]
	p.Check.Retry = config.Duration(time.Hour)
	c.Pools["all"] = p
	r := start(t, c)
	// A connect that failed has sent nothing, so a POST may go on too.
	for range 4 {
		resp, err := http.Post("http://"+r.addr+"/", "text/plain", strings.NewReader("12345"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || string(body) != "alive" {
			t.Errorf("got %d %s", resp.StatusCode, body)
		}
	}
	if bodies.Load() != 20 {
		t.Errorf("bodies of %d bytes arrived, want 20", bodies.Load())
	}
	v := r.Status().Pools[0].Members
	if !v[0].Down || v[0].Errors != 1 || v[0].Elected != 1 || v[1].Elected != 4 || v[1].Sent != 20 {
		t.Errorf("members: %+v", v)
	}
	if n := len(event.Of[event.MemberDown](r.events)); n != 1 {
		t.Errorf("%d MemberDown", n)
	}
}

func TestAllDownIsTriedAndRecovers(t *testing.T) {
	addr := closedPort(t)
	r := start(t, defaults("http://"+addr))
	cl := client(t)
	for range 3 {
		if resp, _ := r.get(cl, "/"); resp.StatusCode != 502 {
			t.Errorf("got %d, want 502", resp.StatusCode)
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		testproc.Lack(t, fmt.Sprintf("somebody took the port: %v", err))
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})}
	go srv.Serve(l)
	defer srv.Close()
	if resp, _ := r.get(cl, "/"); resp.StatusCode != 200 {
		t.Errorf("the last member is back within its retry time: %d, want 200", resp.StatusCode)
	}
	var got []string
	for _, e := range r.events.Events() {
		got = append(got, e.Kind())
	}
	if s := strings.Join(got, " "); s != "member_down pool_empty member_up pool_serving" {
		t.Errorf("events: %s", s)
	}
}

func TestNobodyActiveIs503(t *testing.T) {
	c := defaults(named1(t, "m1"))
	c.Pools["all"].Members[0].State = "disabled"
	r := start(t, c)
	if resp, _ := r.get(client(t), "/"); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// TestBrokenOffIsRepeatedOnce: a request that may be asked twice is, on one
// other member; one that may not is not.
func TestBrokenOffIsRepeatedOnce(t *testing.T) {
	var hits atomic.Int64
	r := start(t, defaults(breaker(t, &hits), breaker(t, &hits), breaker(t, &hits), breaker(t, &hits)))
	if resp, _ := r.get(client(t), "/"); resp.StatusCode != 502 || hits.Load() != 2 {
		t.Errorf("GET: %d after %d members, want 502 after 2", resp.StatusCode, hits.Load())
	}
	hits.Store(0)
	resp, err := http.Post("http://"+r.addr+"/", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 502 || hits.Load() != 1 {
		t.Errorf("POST: %d after %d members, want 502 after 1", resp.StatusCode, hits.Load())
	}
	for _, v := range r.Status().Pools[0].Members {
		if v.Down {
			t.Errorf("%s is out, though it could be reached", v.Name)
		}
	}
}

// TestClientsFaultIsNotTheMembers: malformed bodies count against nobody.
func TestClientsFaultIsNotTheMembers(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	r := start(t, defaults(m.URL))
	for _, body := range []string{"ZZ\r\n", "5\r\nhelloX", "0x5\r\nhello\r\n0\r\n\r\n", "-1\r\n"} {
		resp, _ := r.raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + strings.Repeat("\r\n", 4))
		if resp.StatusCode != 400 || !resp.Close {
			t.Errorf("%q = %d, close %v", body, resp.StatusCode, resp.Close)
		}
	}
	if v := r.Status().Pools[0].Members[0]; v.Errors != 0 || v.Down {
		t.Errorf("member: %+v", v)
	}
}

// TestFirstByte: a member that takes a request and is silent.
func TestFirstByte(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := defaults(m.URL)
	p := c.Pools["all"]
	p.FirstByte = config.Duration(50 * time.Millisecond)
	c.Pools["all"] = p
	r := start(t, c)
	if resp, _ := r.get(client(t), "/"); resp.StatusCode != 504 {
		t.Errorf("got %d, want 504", resp.StatusCode)
	}
}

// TestCutReplyIsSeenAsCut: a reply that breaks off in its body must not look
// whole to the client.
func TestCutReplyIsSeenAsCut(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("half"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	r := start(t, defaults(m.URL))
	resp, err := http.Get("http://" + r.addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("read %q without an error", body)
	}
	r.end()
	if !strings.Contains(r.log.String(), " 200 member_error\n") {
		t.Errorf("log: %s", r.log)
	}
}

func TestReloadKeepsMembersAndRefusesNonsense(t *testing.T) {
	a, b := named1(t, "a"), named1(t, "b")
	c := defaults(a)
	r := start(t, c)
	cl := client(t)
	r.get(cl, "/")
	bad := c
	bad.Routes = []RouteConfig{{Pool: "nowhere"}}
	if err := r.Reload(bad); err == nil {
		t.Error("a route to no pool was taken")
	}
	if _, body := r.get(cl, "/"); body != "a" {
		t.Errorf("after a refused reload: %s", body)
	}
	if err := r.Reload(defaults(a, b)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for range 4 {
		_, body := r.get(cl, "/")
		seen[body]++
	}
	if seen["a"] != 2 || seen["b"] != 2 {
		t.Errorf("served: %v", seen)
	}
	if v := r.Status().Pools[0].Members[0]; v.Elected != 4 {
		t.Errorf("a's count after reloads: %d, want 4", v.Elected)
	}
	off, three := member.Disabled, balance.Weight(300)
	if err := r.SetMember("all", "m1", member.Change{State: &off, Weight: &three}); err != nil {
		t.Fatal(err)
	}
	if _, body := r.get(cl, "/"); body != "b" {
		t.Errorf("a is off, yet %s", body)
	}
	if r.SetMember("none", "m1", member.Change{}) == nil {
		t.Error("a pool that is none was changed")
	}
}

// panicking is a method with a mistake in it.
type panicking struct{ balance.ByRequests }

func (panicking) Choose([]balance.Seat, uint64) int { panic("a mistake") }

// TestPanicGivesBackItsSlot: a mistake costs the one request that met it.
func TestPanicGivesBackItsSlot(t *testing.T) {
	r := start(t, defaults(named1(t, "m1")))
	st := r.site.Load()
	good := poolSpec("all", st.config.Pools["all"], st.backends["all"].specs)
	bad := good
	bad.Method = panicking{}
	pool := st.backends["all"].pool
	pool.Update(bad, time.Now())
	if resp, err := http.Get("http://" + r.addr + "/"); err == nil {
		resp.Body.Close()
		t.Errorf("got %d", resp.StatusCode)
	}
	pool.Update(good, time.Now())
	if _, body := r.get(client(t), "/"); body != "m1" {
		t.Errorf("after the panic: %s", body)
	}
	r.end() // the rig checks the board
	if got := event.Of[event.GuardPanicked](r.events); len(got) != 1 || got[0].Value != "a mistake" {
		t.Errorf("events: %+v", got)
	}
	if !strings.Contains(r.log.String(), " panic\n") {
		t.Errorf("log: %s", r.log)
	}
}

// TestReloadUnderLoad: no request fails while the configuration turns.
func TestReloadUnderLoad(t *testing.T) {
	a, b := named1(t, "a"), named1(t, "b")
	r := start(t, defaults(a, b))
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			cl := client(t)
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := cl.Get("http://" + r.addr + "/")
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 {
					t.Errorf("got %d", resp.StatusCode)
				}
			}
		})
	}
	for i := range 50 {
		c := defaults([][]string{{a}, {b, a}, {a, b}}[i%3]...)
		p := c.Pools["all"]
		p.ConnectTimeout += config.Duration(i)
		c.Pools["all"] = p
		if err := r.Reload(c); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	load.Wait()
	for _, v := range r.Status().Pools[0].Members {
		if v.Busy != 0 || v.Errors != 0 {
			t.Errorf("%+v", v)
		}
	}
}
