package proxy

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestNeverAnOpenProxy: nothing of this reaches a member.
func TestNeverAnOpenProxy(t *testing.T) {
	var reached atomic.Int64
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) { reached.Add(1) })
	c := defaults(m.URL)
	c.Routes = []RouteConfig{{Prefix: "/private", Deny: 404}, {Prefix: "/app", Pool: "all"}}
	c.Hosts = []string{"www.foo.dom"}
	r := start(t, c)
	for _, tt := range []struct {
		request string
		status  int
	}{
		{"GET http://evil.example/app HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 403},
		{"GET http://evil.example:80/app HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
		{"GET https://www.foo.dom/app HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 403},
		{"GET ftp://www.foo.dom/app HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 403},
		{"GET ftp://evil.example/x HTTP/1.0\r\n\r\n", 403},
		{"GET http://www.foo.dom@evil.example/app HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 400},
		{"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 405},
		{"CONNECT www.foo.dom:80 HTTP/1.1\r\nHost: www.foo.dom:80\r\n\r\n", 405},
		{"TRACE /app HTTP/1.1\r\nHost: www.foo.dom\r\nMax-Forwards: 0\r\n\r\n", 405},
		{"GET /other HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 403},
		{"GET /apple HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 403},
		{"GET /private/x HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 404},
		{"GET /app/../private HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 404},
		{"GET /app/%2e%2e/private HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 404},
		{"GET /app/../../etc HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 400},
		{"GET /app%00 HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 400},
		{"GET /app#x HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 400},
		{"GET /app HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
		{"GET /app HTTP/1.1\r\nHost: \r\n\r\n", 400},
		{"GET /app HTTP/1.1\r\nHost: ::1\r\n\r\n", 400},
		{"GET /app HTTP/1.1\r\nHost: www.foo.dom:99999\r\n\r\n", 400},
		{"GET /app HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
		{"GET * HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 400},
		{"OPTIONS * HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n", 200},
		{"GET /app HTTP/1.1\r\n\r\n", 400},
		{"GET /app HTTP/1.1\r\nHost: www.foo.dom\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
		{"POST /app HTTP/1.1\r\nHost: www.foo.dom\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"GET /app HTTP/1.1\r\nHost: www.foo.dom\r\nExpect: blegh\r\n\r\n", 417},
		{"GET /app HTTP/1.1\r\nHost: www.foo.dom\r\nX: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", 431},
	} {
		resp, _ := r.raw(tt.request)
		if resp.StatusCode != tt.status {
			t.Errorf("%.90q = %d, want %d", tt.request, resp.StatusCode, tt.status)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d of these reached a member", n)
	}
	for _, own := range []string{
		"GET http://www.foo.dom/app HTTP/1.1\r\nHost: www.foo.dom\r\n\r\n",
		"GET http://WWW.foo.dom:8080/app?x HTTP/1.1\r\nHost: ignored.example\r\n\r\n",
		"GET /app/a HTTP/1.1\r\nHost: www.FOO.dom.:80\r\n\r\n",
	} {
		if resp, _ := r.raw(own); resp.StatusCode != 200 {
			t.Errorf("%q = %d, want 200", own, resp.StatusCode)
		}
	}
	if n := reached.Load(); n != 3 {
		t.Errorf("%d of the site's own requests reached a member, want 3", n)
	}
}

// TestOwnAbsoluteWithoutNames: where no names are configured, an absolute
// target may name the address that the client connected to, and nothing else.
func TestOwnAbsoluteWithoutNames(t *testing.T) {
	r := start(t, defaults(named1(t, "m")))
	_, port, _ := strings.Cut(r.addr, ":")
	for target, want := range map[string]int{
		"http://" + r.addr + "/":         200,
		"http://localhost:" + port + "/": 200,
		"http://127.0.0.1/":              403,
		"http://www.foo.dom/":            403,
		"http://127.0.0.2:" + port + "/": 403,
	} {
		if resp, _ := r.raw("GET " + target + " HTTP/1.1\r\nHost: " + r.addr + "\r\n\r\n"); resp.StatusCode != want {
			t.Errorf("%s = %d, want %d", target, resp.StatusCode, want)
		}
	}
}

func TestStatusPageIsLocal(t *testing.T) {
	var reached atomic.Int64
	m := originServer(t, func(w http.ResponseWriter, r *http.Request) { reached.Add(1) })
	c := defaults(m.URL)
	c.Forwarded.Trust = []string{"127.0.0.0/8"}
	r := start(t, c)
	cl := client(t)
	r.get(cl, "/x")
	for path, want := range map[string]string{
		"/reeve-status": "<h2>Pool all", "/reeve-status?json": `"lbstatus"`, "/reeve-status?auto": "Member all m1 Elected: 1\n",
		"/reeve-status/": "<h2>Pool all", "/reeve%2dstatus": "<h2>Pool all", "/a/../reeve-status": "<h2>Pool all",
	} {
		resp, err := cl.Do(&http.Request{Method: "GET", URL: mustURL(t, "http://"+r.addr+path)})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s = %d, without %q:\n%.300s", path, resp.StatusCode, want, body)
		}
	}
	// What a proxy in front of us says about the client does not make it local, or anything else.
	if resp, _ := r.raw("GET /reeve-status HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"); resp.StatusCode != 200 {
		t.Errorf("over loopback for another = %d", resp.StatusCode)
	}
	if resp, _ := r.raw("POST /reeve-status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); resp.StatusCode != 405 {
		t.Errorf("POST = %d", resp.StatusCode)
	}
	c.Hosts = []string{"www.foo.dom"}
	if err := r.Reload(c); err != nil {
		t.Fatal(err)
	}
	// A probe asks for the page by address, whatever the site is called.
	for host, want := range map[string]int{r.addr: 200, "www.foo.dom": 200, "evil.example": 403} {
		if resp, _ := r.raw("GET /reeve-status HTTP/1.1\r\nHost: " + host + "\r\n\r\n"); resp.StatusCode != want {
			t.Errorf("status page of %s = %d, want %d", host, resp.StatusCode, want)
		}
	}
	if resp, _ := r.raw("GET /x HTTP/1.1\r\nHost: " + r.addr + "\r\n\r\n"); resp.StatusCode != 403 {
		t.Errorf("the site by address = %d, want 403", resp.StatusCode)
	}
	c.Hosts = nil
	c.StatusFrom = []string{"192.0.2.0/24"}
	if err := r.Reload(c); err != nil {
		t.Fatal(err)
	}
	if resp, _ := r.raw("GET /reeve-status HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"); resp.StatusCode != 403 {
		t.Errorf("from an address that may not = %d, want 403", resp.StatusCode)
	}
	if reached.Load() != 1 {
		t.Errorf("%d requests reached a member, want 1", reached.Load())
	}
}
