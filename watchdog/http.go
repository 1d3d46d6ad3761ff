package watchdog

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// How much of an answer is read, in bytes.
const (
	headLimit = 64 << 10
	bodyLimit = 64 << 10
)

// httpProbe asks for a URL, over a connection of its own each time: a kept
// connection would prove nothing of those that clients must make.
//
// It does without http.Transport, which copies what a mad server says to the
// standard logger and keeps two goroutines for each connection.
type httpProbe struct {
	c      ProbeConfig
	status codes
	body   *regexp.Regexp // nil for any
}

// newHTTPProbe takes a valid configuration.
func newHTTPProbe(c ProbeConfig) (Probe, error) {
	status, err := parseStatus(c.Status)
	if err != nil {
		return nil, err
	}
	p := &httpProbe{c: c, status: status}
	if c.Body != "" {
		if p.body, err = regexp.Compile(c.Body); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *httpProbe) Name() string { return p.c.Name }

func (p *httpProbe) Check(ctx context.Context) error {
	req, err := p.request(ctx)
	if err != nil {
		return err
	}
	conn, err := p.dial(ctx, req.URL)
	if err != nil {
		return err
	}
	defer conn.Close()
	// The deadline in the past ends whatever read or write is under way.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := req.Write(conn); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	limited := &io.LimitedReader{R: conn, N: headLimit}
	resp, err := answerTo(req, bufio.NewReader(limited))
	switch {
	case err != nil && limited.N <= 0:
		return fmt.Errorf("the answer's head is longer than %d bytes", headLimit)
	case err != nil:
		return fmt.Errorf("read answer: %w", err)
	}
	limited.N = 2 * bodyLimit // for the framing of chunks too
	return p.judge(resp)
}

func (p *httpProbe) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, p.c.Method, p.c.URL, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	req.Header.Set("User-Agent", "reeve-probe")
	if u := req.URL.User; u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	for name, value := range p.c.Headers {
		if strings.EqualFold(name, "host") {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

func (p *httpProbe) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = u.Scheme // a service name
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || u.Scheme != "https" {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: p.c.Insecure})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// answerTo reads the final answer, past the informational ones.
func answerTo(req *http.Request, r *bufio.Reader) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(r, req)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

func (p *httpProbe) judge(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	switch {
	case !p.status.has(resp.StatusCode):
		return fmt.Errorf("status %d, want %s", resp.StatusCode, p.c.Status)
	case err != nil:
		return fmt.Errorf("status %d, body: %w", resp.StatusCode, err)
	case p.body != nil && !p.body.Match(body):
		return fmt.Errorf("status %d, but the first %d bytes of the body do not match %q", resp.StatusCode, len(body), p.c.Body)
	}
	return nil
}
