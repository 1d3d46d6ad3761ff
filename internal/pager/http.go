package pager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// poster posts a body to the URL of a receiver and keeps its secrets.
type poster struct {
	rawURL  string
	urlFile string
	suffix  string // path added to the URL
	headers map[string]string
	client  *http.Client
	timeout time.Duration
}

func newPoster(c ReceiverConfig, transport http.RoundTripper, suffix string) *poster {
	return &poster{
		rawURL: c.URL, urlFile: c.URLFile, suffix: suffix, headers: c.Headers, timeout: c.Timeout.Std(),
		client: &http.Client{
			Transport: transport,
			// Following would hand the headers to a host that nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (p *poster) target() string {
	if p.urlFile != "" {
		return "url_file " + p.urlFile
	}
	u, err := parseURL(p.rawURL)
	if err != nil {
		return "(not a URL)"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

func (p *poster) url() (*url.URL, error) {
	text := p.rawURL
	if p.urlFile != "" {
		b, err := os.ReadFile(p.urlFile)
		if err != nil {
			return nil, fmt.Errorf("read url_file: %w", err)
		}
		text = string(b)
	}
	u, err := parseURL(text)
	if err != nil {
		return nil, fmt.Errorf("read url: %w", err)
	}
	if p.suffix != "" {
		u = u.JoinPath(p.suffix)
	}
	return u, nil
}

// post sends one body. Its errors carry no part of the URL but the host.
func (p *poster) post(ctx context.Context, contentType string, body []byte) error {
	u, err := p.url()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return &refusal{errBadURL}
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "reeve")
	for name, value := range p.headers {
		req.Header.Set(name, value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("post to %s: %w", u.Host, bare(err))
	}
	defer resp.Body.Close()
	// Read a little, so that the connection can be used again.
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	return verdict(resp, u.Host, p.hide(string(said), u))
}

// bare takes the URL off an error of the client.
func bare(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

func verdict(resp *http.Response, host, said string) error {
	code := resp.StatusCode
	if code/100 == 2 {
		return nil
	}
	err := fmt.Errorf("post to %s: HTTP %d %s", host, code, http.StatusText(code))
	if said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	switch {
	case code == http.StatusRequestTimeout:
		return err
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		if s, perr := strconv.Atoi(resp.Header.Get("Retry-After")); perr == nil && s > 0 {
			return &busy{err, time.Duration(min(s, 3600)) * time.Second}
		}
		return err
	case code >= 300 && code < 500:
		return &refusal{err}
	default:
		return err
	}
}

// hide cuts what a receiver said to one short line without our secrets, which
// some servers echo.
func (p *poster) hide(said string, u *url.URL) string {
	secrets := []string{u.String(), u.RequestURI(), u.RawQuery}
	secrets = append(secrets, strings.Split(u.Path, "/")...)
	if pass, ok := u.User.Password(); ok {
		secrets = append(secrets, pass, u.User.Username())
	}
	for _, values := range u.Query() {
		secrets = append(secrets, values...)
	}
	for _, v := range p.headers {
		secrets = append(secrets, v)
	}
	for _, s := range secrets {
		if len(s) >= 6 && s != p.suffix {
			said = strings.ReplaceAll(said, s, "[hidden]")
		}
	}
	said = strings.Join(strings.Fields(said), " ")
	if len(said) > 200 {
		said = strings.ToValidUTF8(said[:200], "") + "…"
	}
	return said
}
