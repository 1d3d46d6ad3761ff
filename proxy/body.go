package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/reeveproxy/reeve/proxy/member"
)

// requestBody is a client's body as transports read it. It outlives a transport
// that failed before it touched it, and knows whose fault an error was.
type requestBody struct {
	rc        io.ReadCloser
	r         *http.Request
	announced map[string]bool
	member    atomic.Pointer[member.Member]
	touched   atomic.Bool // a byte may have gone to a member
	malformed atomic.Bool // the client's framing is broken
	gone      atomic.Bool // the client went away in the middle
}

func newRequestBody(r *http.Request) *requestBody {
	b := &requestBody{rc: r.Body, r: r}
	if len(r.Trailer) > 0 {
		b.announced = make(map[string]bool, len(r.Trailer))
		for name := range r.Trailer {
			if isTrailer(name) {
				b.announced[name] = true
			} else {
				delete(r.Trailer, name)
			}
		}
	}
	return b
}

// Read reads from the client.
func (b *requestBody) Read(p []byte) (int, error) {
	b.touched.Store(true)
	n, err := b.rc.Read(p)
	if m := b.member.Load(); m != nil && n > 0 {
		m.AddSent(int64(n))
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		// net/http adds fields that nobody announced, under any name.
		for name := range b.r.Trailer {
			if !b.announced[name] {
				delete(b.r.Trailer, name)
			}
		}
	case errors.Is(err, http.ErrBodyReadAfterClose):
	case isGone(err):
		b.gone.Store(true)
	default:
		b.malformed.Store(true)
	}
	return n, err
}

// isGone tells a connection that broke from bytes that make no sense.
func isGone(err error) bool {
	var ne net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &ne)
}

// Close does nothing: the server closes the body, after the last attempt.
func (b *requestBody) Close() error { return nil }
