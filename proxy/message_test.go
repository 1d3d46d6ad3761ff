package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/proxy/sample"
)

// echo is a member that answers with the request's head as it came.
func echo(t testing.TB) string { return originServer(t, sample.Member("m1").ServeHTTP).URL }

func TestRequestHeaders(t *testing.T) {
	r := start(t, defaults(echo(t)))
	_, got := r.raw("GET /env?a=b;c HTTP/1.1\r\nHost: www.foo.dom\r\n" +
		"Connection: close, X-Forwarded-For, Authorization, Cookie, X-Hop\r\n" +
		"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n" +
		"X_Forwarded_For: 6.6.6.6\r\nX.Forwarded.For: 6.6.6.6\r\nProxy: http://evil\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\nProxy-Authorization: x\r\n" +
		"Upgrade: h2c\r\nHTTP2-Settings: AA\r\nAuthorization: secret\r\nCookie: a=b\r\nX-Plain: kept\r\n\r\n")
	lines := strings.Split(strings.TrimSpace(got), "\n")
	want := []string{
		"GET /env?a=b;c HTTP/1.1", "Host: " + strings.TrimPrefix(r.site.Load().config.Pools["all"].Members[0].URL, "http://"),
		"Authorization: secret", "Cookie: a=b", "Te: trailers", "X-Forwarded-For: 127.0.0.1",
		"X-Forwarded-Host: www.foo.dom", "X-Forwarded-Proto: http", "X-Plain: kept",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("the member got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestTrustedPeerIsBelieved(t *testing.T) {
	c := defaults(echo(t))
	c.Forwarded.Trust = []string{"127.0.0.1", "10.0.0.0/8"}
	c.AccessLog.Format = "common"
	p := c.Pools["all"]
	p.Host = "client"
	c.Pools["all"] = p
	r := start(t, c)
	_, got := r.raw("GET /env HTTP/1.1\r\nHost: www.foo.dom\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.9, 10.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.dom\r\n\r\n")
	for _, want := range []string{"Host: www.foo.dom\n", "X-Forwarded-For: 192.0.2.9, 10.1.1.1, 127.0.0.1\n", "X-Forwarded-Proto: https\n", "X-Forwarded-Host: public.dom\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("without %q:\n%s", want, got)
		}
	}
	r.end()
	if !strings.HasPrefix(r.log.String(), "192.0.2.9 - - [") {
		t.Errorf("log: %s", r.log)
	}
}

func TestReplyHeadersAndMapping(t *testing.T) {
	var self string
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Location", self+"/next?x")
		h.Set("Content-Location", self+"/here")
		h.Set("Refresh", "3; url="+self+"/later")
		h.Add("Set-Cookie", "a=b; Domain=127.0.0.1; Path=/")
		h.Add("Set-Cookie", "c=d; Domain=foo.dom")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "1")
		h.Set("Keep-Alive", "timeout=5")
		w.WriteHeader(302)
	})
	self = m.URL
	r := start(t, defaults(self))
	resp, _ := r.raw("GET / HTTP/1.1\r\nHost: www.foo.dom:8080\r\n\r\n")
	h := resp.Header
	for name, want := range map[string]string{
		"Location": "http://www.foo.dom:8080/next?x", "Content-Location": "http://www.foo.dom:8080/here",
		"Refresh": "3; url=http://www.foo.dom:8080/later", "X-Hop": "", "Keep-Alive": "", "Content-Type": "",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	if got := fmt.Sprint(h["Set-Cookie"]); got != "[a=b; Domain=www.foo.dom; Path=/ c=d; Domain=foo.dom]" {
		t.Errorf("Set-Cookie: %s", got)
	}
}

func TestEarlyHintsAndTrailers(t *testing.T) {
	var sent http.Header
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		sent = r.Trailer.Clone()
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "43")
	})
	r := start(t, defaults(m.URL))
	hints := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == 103 && h.Get("Link") != "" {
				hints++
			}
			return nil
		},
	})
	q, _ := http.NewRequestWithContext(ctx, "POST", "http://"+r.addr+"/", io.NopCloser(strings.NewReader("data")))
	q.Trailer = http.Header{"X-Check": {"7"}, "X-Forwarded-For": {"6.6.6.6"}}
	resp, err := client(t).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "body" || hints != 1 || resp.Header.Get("Link") != "" {
		t.Errorf("body %q, %v, %d hints, Link %q", body, err, hints, resp.Header.Get("Link"))
	}
	if resp.Trailer.Get("X-Sum") != "42" || resp.Trailer.Get("X-Late") != "43" {
		t.Errorf("reply's trailer: %v", resp.Trailer)
	}
	if sent.Get("X-Check") != "7" || len(sent) != 1 {
		t.Errorf("request's trailer: %v", sent)
	}
}

// A member that says 1xx without end goes on on a goroutine of the transport
// after its client has left; nothing of that may reach the reply that is over.
func TestHintsAfterTheClientLeft(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/plain" {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		flood := strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", 100)
		for {
			if _, err := io.WriteString(conn, flood); err != nil {
				return
			}
		}
	})
	r := start(t, defaults(m.URL))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				conn, err := net.Dial("tcp", r.addr)
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(conn, "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
				conn.Read(make([]byte, 100))
				conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			}
		})
	}
	wg.Wait()
	if resp, _ := r.get(client(t), "/plain"); resp.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %s", resp.Status)
	}
}

func TestExpectContinue(t *testing.T) {
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %q", b, r.Header.Get("Expect"))
	})
	r := start(t, defaults(m.URL))
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if line, err := in.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	in.ReadString('\n')
	io.WriteString(conn, "hello")
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != `hello ""` {
		t.Errorf("body %q", body)
	}
}

// websocketMember switches protocols and echoes bytes.
func websocketMember(t testing.TB, protocol string) string {
	return originServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			io.WriteString(w, "plain")
			return
		}
		conn, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-Hop: y\r\n\r\n", protocol)
		io.Copy(conn, in)
	}).URL
}

func TestWebSocket(t *testing.T) {
	r := start(t, defaults(websocketMember(t, "websocket")))
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The first bytes come with the request, before the switch.
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nearly")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("%v, %v", resp, err)
	}
	io.WriteString(conn, " late")
	got := make([]byte, len("early late"))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "early late" {
		t.Errorf("%q, %v", got, err)
	}
	q := r.board.Snapshot(nil)
	if len(q) != 1 || q[0].Path != "/ws" {
		t.Fatalf("board: %+v", q)
	}
	// A tunnel is a request like others: it can be ended.
	r.board.Kill(q[0].Slot, q[0].ID)
	if _, err := in.ReadByte(); err == nil {
		t.Error("a killed tunnel gave another byte")
	}
	if resp, body := r.raw("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"); body != "plain" {
		t.Errorf("h2c: %d %s", resp.StatusCode, body)
	}
}

// TestStuckTunnelIsEnded: a member that switched and then reads nothing cannot
// hold a tunnel that must end.
func TestStuckTunnelIsEnded(t *testing.T) {
	release := make(chan struct{})
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		<-release
	})
	defer close(release)
	r := start(t, defaults(m.URL))
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v, %v", resp, err)
	}
	flood := make([]byte, 1<<20)
	for { // until nobody takes any more
		conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := conn.Write(flood); err != nil {
			break
		}
	}
	q := r.board.Snapshot(nil)
	if len(q) != 1 || !r.board.Kill(q[0].Slot, q[0].ID) {
		t.Fatalf("board: %+v", q)
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a killed tunnel still stands: %v", err)
	}
}

func TestOddSwitchIsRefused(t *testing.T) {
	r := start(t, defaults(websocketMember(t, "h2c")))
	if resp, _ := r.raw("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); resp.StatusCode != 502 {
		t.Errorf("got %d, want 502", resp.StatusCode)
	}
}

// TestStreamIsPassedAsItComes: no buffer holds back what a member has sent.
func TestStreamIsPassedAsItComes(t *testing.T) {
	for _, length := range []string{"", "10"} {
		next := make(chan struct{})
		m := originServer(t, func(w http.ResponseWriter, r *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			io.WriteString(w, "first")
			w.(http.Flusher).Flush()
			<-next
			io.WriteString(w, "after")
		})
		r := start(t, defaults(m.URL))
		resp, err := http.Get("http://" + r.addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 5)
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != "first" {
			t.Errorf("%q, %v", buf, err)
		}
		close(next)
		if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "after" {
			t.Errorf("%q, %v", rest, err)
		}
		resp.Body.Close()
	}
}

func TestAccessLineOfARequest(t *testing.T) {
	c := defaults(named1(t, "m1"))
	c.AccessLog.Format = "json"
	r := start(t, c)
	r.raw("GET /a\"b%0a?q=\x80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	r.raw("GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n")
	r.end()
	lines := bytes.Split(bytes.TrimSpace([]byte(r.log.String())), []byte("\n"))
	var got []map[string]any
	for _, line := range lines {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, v)
	}
	if len(got) != 2 || got[0]["path"] != `/a"b%0a` || got[0]["member"] != "m1" || got[0]["outcome"] != "ok" || got[0]["status"] != 200.0 ||
		got[0]["bytes"] != 2.0 || got[0]["pool"] != "all" || got[0]["tries"] != 1.0 || got[1]["outcome"] != "refused" || got[1]["status"] != 403.0 {
		t.Errorf("%s", r.log)
	}
	if got[0]["member_ms"].(float64) <= 0 || got[0]["total_ms"].(float64) < got[0]["member_ms"].(float64) {
		t.Errorf("times: %v of %v", got[0]["member_ms"], got[0]["total_ms"])
	}
}
