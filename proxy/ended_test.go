package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/proxy/sample"
)

// TestDripIsEndedOthersGoOn is the seed's runaway: one NUL byte a second for
// ever, among a hundred requests that are none of that.
func TestDripIsEndedOthersGoOn(t *testing.T) {
	gone := make(chan struct{})
	begun := make(chan struct{})
	play := sample.Member("m1")
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			close(begun)
			defer close(gone)
		}
		play.ServeHTTP(w, r)
	})
	c := defaults(m.URL)
	c.Routes = []RouteConfig{{Prefix: "/drip", Pool: "all", Total: config.Duration(1500 * time.Millisecond)}, {Prefix: "/", Pool: "all"}}
	r := start(t, c)
	cl := client(t)
	drip, err := cl.Get("http://" + r.addr + "/drip?secret=1")
	if err != nil {
		t.Fatal(err)
	}
	defer drip.Body.Close()
	<-begun
	var others sync.WaitGroup
	for range 100 {
		others.Go(func() {
			resp, err := cl.Get("http://" + r.addr + "/slow?ms=2000")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "m1") {
				t.Errorf("another request: %d, %v", resp.StatusCode, err)
			}
		})
	}
	if _, err := io.ReadAll(drip.Body); err == nil {
		t.Error("the drip ended as if it were whole")
	}
	<-gone // the member was told
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	killed, err := event.Await(ctx, r.events, func(event.RequestKilled) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	others.Wait()
	if killed.By != "proxy" || killed.Path != "/drip" || killed.Member != "m1" || killed.Method != "GET" || killed.Bytes == 0 ||
		killed.Age < 1500*time.Millisecond || !strings.HasPrefix(killed.Client, "127.0.0.1:") {
		t.Errorf("event: %+v", killed)
	}
	r.end()
	if n := len(event.Of[event.RequestKilled](r.events)); n != 1 {
		t.Errorf("%d requests were ended, want 1", n)
	}
	if !strings.Contains(r.log.String(), "URL: /drip ") || !strings.Contains(r.log.String(), " timeout\n") {
		t.Errorf("log:\n%s", r.log)
	}
}

// TestNothingSentIs504: a client that got no byte yet is told.
func TestNothingSentIs504(t *testing.T) {
	begun, gone := make(chan struct{}), make(chan struct{})
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	})
	c := defaults(m.URL)
	c.Routes[0].Total = config.Duration(300 * time.Millisecond)
	r := start(t, c)
	// Another request that waits behind it keeps the server from watching the
	// connection, so that its end is not what ends the first.
	for _, behind := range []string{"", "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"} {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(conn, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
		<-begun
		io.WriteString(conn, behind)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 504 || !resp.Close {
			t.Errorf("got %d, close %v", resp.StatusCode, resp.Close)
		}
		<-gone
	}
	if v := r.Status().Pools[0].Members[0]; v.Down {
		t.Error("a slow reply took the member out")
	}
}

// TestKillWord: the supervisor's word ends the named request and is told by
// the supervisor alone.
func TestKillWord(t *testing.T) {
	begun := make(chan string, 2) // one for each request of the test
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- r.URL.Path
		if r.URL.Path == "/stay" {
			w.Write([]byte("x"))
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	r := start(t, defaults(m.URL))
	cl := client(t)
	resp, err := cl.Get("http://" + r.addr + "/stay")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	hang := make(chan int)
	go func() {
		resp, err := cl.Get("http://" + r.addr + "/hang")
		if err != nil {
			hang <- 0
			return
		}
		resp.Body.Close()
		hang <- resp.StatusCode
	}()
	<-begun
	<-begun
	for _, q := range r.board.Snapshot(nil) {
		if q.Path == "/hang" && !r.board.Kill(q.Slot, q.ID) {
			t.Fatal("no request to kill")
		}
	}
	if status := <-hang; status != 504 {
		t.Errorf("killed before its reply: %d, want 504", status)
	}
	for _, q := range r.board.Snapshot(nil) {
		if q.Member != "m1" || q.Bytes != 1 || q.Path != "/stay" {
			t.Errorf("on the board: %+v", q)
		}
		r.board.Kill(q.Slot, q.ID)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("killed in its reply, yet the reply looked whole")
	}
	r.end()
	if n := len(event.Of[event.RequestKilled](r.events)); n != 0 {
		t.Errorf("the proxy told of %d kills that were not its own", n)
	}
	if got := strings.Count(r.log.String(), " killed\n"); got != 2 {
		t.Errorf("%d lines say killed:\n%s", got, r.log)
	}
}

// TestSlowReaderIsEnded: a client that does not read its reply cannot hold it
// past its total time.
func TestSlowReaderIsEnded(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 1<<20)
		for {
			if _, err := w.Write(buf); err != nil {
				return
			}
		}
	})
	c := defaults(m.URL)
	c.Routes[0].Total = config.Duration(500 * time.Millisecond)
	r := start(t, c)
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := event.Await[event.RequestKilled](ctx, r.events, nil); err != nil {
		t.Fatal(err)
	}
	r.end() // waits for the request's goroutine
}

// TestSlowBodyIsEnded: a client that never finishes its body.
func TestSlowBodyIsEnded(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	c := defaults(m.URL)
	c.Routes[0].Total = config.Duration(500 * time.Millisecond)
	r := start(t, c)
	resp, _ := r.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this")
	if resp.StatusCode != 504 {
		t.Errorf("got %d, want 504", resp.StatusCode)
	}
	r.end()
	if v := r.Status().Pools[0].Members[0]; v.Busy != 0 || v.Down {
		t.Errorf("member: %+v", v)
	}
}

func TestBoardFull(t *testing.T) {
	begun := make(chan struct{}, 64) // one for each slot
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-r.Context().Done()
	})
	c := defaults(m.URL)
	c.MaxRequests = 64
	r := start(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	var held sync.WaitGroup
	cl := client(t)
	for range 64 {
		held.Go(func() {
			q, _ := http.NewRequestWithContext(ctx, "GET", "http://"+r.addr+"/", nil)
			if resp, err := cl.Do(q); err == nil {
				resp.Body.Close()
			}
		})
	}
	for range 64 {
		<-begun
	}
	for range 3 {
		if resp, _ := r.get(cl, "/"); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
			t.Errorf("65th request: %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
		}
	}
	if resp, body := r.get(cl, "/reeve-status?auto"); resp.StatusCode != 200 || !strings.Contains(body, "InFlight: 64\n") {
		t.Errorf("status page when full: %d\n%s", resp.StatusCode, body)
	}
	if n := len(event.Of[event.ScoreboardFull](r.events)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	cancel()
	held.Wait()
}

// TestAbortedRequestsLeaveNothing aborts requests at every phase.
func TestAbortedRequestsLeaveNothing(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "100000")
		w.Write(make([]byte, 50000))
		w.(http.Flusher).Flush()
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
			return
		}
		w.Write(make([]byte, 50000))
	})
	c := defaults(m.URL)
	c.AccessLog.Format = "common"
	r := start(t, c)
	total := 10_000
	if testing.Short() {
		total = 1000
	}
	requests := []string{
		"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /panic HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
		"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n",
		"GET /a HTTP/1.1\r\nHo",
		"TRACE /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	const workers = 8
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			buf := make([]byte, 4096)
			for i := w; i < total; i += workers {
				conn, err := net.Dial("tcp", r.addr)
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(conn, requests[i%len(requests)])
				if i%3 == 0 { // some see the reply begin
					conn.SetReadDeadline(time.Now().Add(4 * time.Millisecond))
					conn.Read(buf)
				}
				conn.(*net.TCPConn).SetLinger(i % 2 * -1) // half of them with a reset
				conn.Close()
			}
		})
	}
	wg.Wait()
	r.end()
	st := r.Status()
	if len(st.InFlight) != 0 {
		t.Errorf("in flight: %+v", st.InFlight)
	}
	v := st.Pools[0].Members[0]
	if v.Busy != 0 || v.Down || v.Status != 0 {
		t.Errorf("member: %+v", v)
	}
	if got, want := uint64(strings.Count(r.log.String(), "\n")), st.Requests; got != want {
		t.Errorf("%d lines for %d requests", got, want)
	}
}

// TestDrain: what runs may finish, what does not in time is cut, and nobody
// new is let in.
func TestDrain(t *testing.T) {
	begun := make(chan struct{}, 2) // one for each request
	finish := make(chan struct{})
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		if r.URL.Path == "/stay" {
			<-r.Context().Done()
			return
		}
		<-finish
		io.WriteString(w, "done")
	})
	c := defaults(m.URL)
	c.Drain = config.Duration(2 * time.Second)
	r := start(t, c)
	type result struct {
		status int
		body   string
		err    error
	}
	ask := func(path string) chan result {
		out := make(chan result, 1) // its only result
		go func() {
			resp, err := http.Get("http://" + r.addr + path)
			if err != nil {
				out <- result{err: err}
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			out <- result{resp.StatusCode, string(body), err}
		}()
		return out
	}
	quick, stay := ask("/quick"), ask("/stay")
	<-begun
	<-begun
	r.stop()
	for { // until the listener is closed
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			break
		}
		conn.Close()
	}
	close(finish)
	if got := <-quick; got.status != 200 || got.body != "done" {
		t.Errorf("a request that finished while draining: %+v", got)
	}
	if got := <-stay; got.status != 503 {
		t.Errorf("a request past the drain time: %+v, want 503", got)
	}
	r.end()
	if !strings.Contains(r.log.String(), " shutdown\n") {
		t.Errorf("log:\n%s", r.log)
	}
}

// TestKeepAliveEnds: a connection ends after its number of requests, and where
// its framing cannot be trusted.
func TestKeepAliveEnds(t *testing.T) {
	c := defaults(named1(t, "m"))
	c.KeepAlive.Requests = 3
	r := start(t, c)
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i := 1; i <= 3; i++ {
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		if resp.Close != (i == 3) {
			t.Errorf("reply %d: close %v", i, resp.Close)
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
	for _, q := range []string{
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		if resp, _ := r.raw(q); !resp.Close {
			t.Errorf("%q keeps its connection", q)
		}
	}
}
