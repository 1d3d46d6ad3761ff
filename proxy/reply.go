package proxy

import (
	"errors"
	"io"
	"net/http"

	"github.com/reeveproxy/reeve/proxy/member"
)

// bodyBuffer is how much of a reply's body is copied at once, in bytes.
const bodyBuffer = 32 << 10

// errClientGone says that nobody waits for the reply.
var errClientGone = errors.New("client went away")

// reply passes a member's reply on to the client.
func (x *exchange) reply(b *backend, m *member.Member, resp *http.Response) {
	x.endHead()
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols && x.upgrade:
		x.tunnel(b, m, resp)
		return
	case resp.StatusCode < 200 || resp.StatusCode > 999:
		m.AddError()
		x.answer(http.StatusBadGateway, outcomeMemberError, "the server's answer makes no sense")
		return
	}
	h := x.w.Header()
	copyReply(h, resp.Header)
	mapReply(h, b.reverse, m.Address(), x.public)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // else net/http guesses one
	}
	for name := range resp.Trailer {
		if isTrailer(name) {
			h["Trailer"] = append(h["Trailer"], name)
		}
	}
	announced := len(h["Trailer"])
	if x.closing {
		h["Connection"] = []string{"close"}
	}
	x.entry.status = resp.StatusCode
	x.w.WriteHeader(resp.StatusCode)
	err := x.copyBody(m, resp)
	if err == nil {
		x.trailers(h, resp.Trailer, announced)
		x.whole, x.entry.outcome = true, outcomeOK
		return
	}
	x.abort = true // so that the client sees that the reply is not whole
	switch {
	case errors.Is(err, errClientGone) || x.r.Context().Err() != nil:
		x.entry.outcome = outcomeClientAbort
	default:
		x.entry.outcome = outcomeMemberError
		if x.endedBy() == "" {
			m.AddError()
		}
	}
}

// trailers passes on what came after the body.
func (x *exchange) trailers(h http.Header, trailer http.Header, announced int) {
	for name, values := range trailer {
		switch {
		case !isTrailer(name):
		case len(trailer) == announced:
			h[name] = values
		default: // some were not announced, which needs net/http's other way
			h[http.TrailerPrefix+name] = values
		}
	}
}

// copyBody copies the body, counting as it flows. It returns nil where the
// client got all of it.
func (x *exchange) copyBody(m *member.Member, resp *http.Response) error {
	buf := x.server.buffers.Get().(*[]byte)
	defer x.server.buffers.Put(buf)
	out, _ := x.w.(http.Flusher)
	left := resp.ContentLength // -1 where it is not known
	for {
		n, rerr := resp.Body.Read(*buf)
		if n > 0 {
			m.AddReceived(int64(n))
			if _, err := x.w.Write((*buf)[:n]); err != nil {
				return errClientGone
			}
			x.slot.SetBytes(x.bytes.Add(uint64(n)))
			if left > 0 {
				left -= int64(n)
			}
		}
		switch {
		case errors.Is(rerr, io.EOF):
			return nil
		case rerr != nil:
			return rerr
		}
		// Whoever streams wants to be read as it comes; the end flushes itself.
		if n > 0 && left != 0 && n < len(*buf) && out != nil {
			out.Flush()
		}
	}
}
