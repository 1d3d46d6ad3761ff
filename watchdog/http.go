package watchdog

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// bodyLimit is how much of an answer's body is read.
const bodyLimit = 64 << 10

// httpProbe asks for a URL, over a connection of its own each time: a kept
// connection would prove nothing of those that clients must make.
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
	req, err := http.NewRequestWithContext(ctx, p.c.Method, p.c.URL, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "reeve-probe")
	for name, value := range p.c.Headers {
		if strings.EqualFold(name, "host") {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	t := &http.Transport{
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: bodyLimit,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: p.c.Insecure},
	}
	defer t.CloseIdleConnections()
	// RoundTrip follows no redirect and asks no proxy.
	resp, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
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
