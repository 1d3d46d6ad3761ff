package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// ErrUnreachable is wrapped by the error of a client that finds nobody.
var ErrUnreachable = errors.New("is it running?")

// Client asks a running reeve. It keeps no connection between calls.
type Client struct {
	// Path of its socket.
	Path string
}

// Do sends in as JSON (nil sends no body) and decodes the answer into out (nil
// discards it). A refusal is an *Error; where nobody is there the error wraps
// ErrUnreachable.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.ask(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err := io.Copy(io.Discard, resp.Body)
		return wrapRead(err)
	}
	return wrapRead(json.NewDecoder(resp.Body).Decode(out))
}

func wrapRead(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read answer of reeve: %w", err)
}

// Stream calls each for every line of the answer until the server ends it (then
// it returns nil), each fails (then its error), or ctx ends.
func (c *Client) Stream(ctx context.Context, method, path string, in any, each func(json.RawMessage) error) error {
	resp, err := c.ask(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body := bufio.NewReader(resp.Body)
	for {
		line, err := body.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			if err := each(line); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return trailer(resp)
		case err != nil:
			return wrapRead(err)
		}
	}
}

func trailer(resp *http.Response) error {
	if text := resp.Trailer.Get(errorTrailer); text != "" {
		return &Error{Status: http.StatusInternalServerError, Message: text}
	}
	return nil
}

// ask returns an answer that is not a refusal.
func (c *Client) ask(ctx context.Context, method, path string, in any) (*http.Response, error) {
	if len(c.Path) > MaxPath {
		return nil, fmt.Errorf("control socket %s: path of %d bytes, limit %d", c.Path, len(c.Path), MaxPath)
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode command: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://reeve"+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask reeve: %w", err)
	}
	resp, err := c.http().Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

func (c *Client) http() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", c.Path)
		},
	}}
}

func (c *Client) unreachable(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot reach reeve at %s: %w: it belongs to another user", c.Path, syscall.EACCES)
	case errors.Is(err, fs.ErrNotExist), isRefused(err), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("cannot reach reeve at %s: %w", c.Path, ErrUnreachable)
	default:
		return fmt.Errorf("ask reeve at %s: %w", c.Path, err)
	}
}

func refusal(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	e := &Error{}
	if json.Unmarshal(text, e) != nil || e.Message == "" {
		e.Message = strings.TrimSpace(string(text))
	}
	e.Status = resp.StatusCode
	return e
}
