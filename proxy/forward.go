package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"time"

	"github.com/reeveproxy/reeve/proxy/member"
)

// forward asks members until one answers or none is left that may be asked.
func (x *exchange) forward(b *backend) {
	x.prepare()
	tried := x.triedRoom[:0]
	repeats := 0
	for {
		m := b.pool.Pick(time.Now(), tried)
		if m == nil {
			x.nobody(len(tried))
			return
		}
		tried = append(tried, m)
		x.entry.tries = len(tried)
		if !x.ask(b, m, &repeats) {
			return
		}
	}
}

// nobody answers where no member is left.
func (x *exchange) nobody(tried int) {
	if tried == 0 {
		x.w.Header().Set("Retry-After", "5")
		x.answer(http.StatusServiceUnavailable, outcomeNoMember, "no server is available for this")
		return
	}
	x.answer(http.StatusBadGateway, outcomeMemberError, "no server could be reached")
}

// ask has one member serve the request. It returns true where another one may
// be asked.
func (x *exchange) ask(b *backend, m *member.Member, repeats *int) (again bool) {
	defer b.pool.Done(m)
	x.flight.member.Store(m)
	x.slot.SetMember(m.Name())
	x.entry.server = m.Name()
	if x.body != nil {
		x.body.member.Store(m)
	}
	x.memberAt = time.Now()
	resp, err := b.transport.RoundTrip(x.request(b, m))
	now := time.Now()
	x.entry.member = now.Sub(x.memberAt)
	if err != nil {
		return x.failed(b, m, err, now, repeats)
	}
	defer resp.Body.Close()
	b.pool.Worked(m, now)
	x.entry.member = 0 // its share goes on to the end of its reply
	x.reply(b, m, resp)
	return false
}

// request is what goes to the member.
func (x *exchange) request(b *backend, m *member.Member) *http.Request {
	a := m.Address()
	trace := &httptrace.ClientTrace{Got1xxResponse: x.informational}
	out := x.r.WithContext(httptrace.WithClientTrace(x.ctx, trace))
	out.URL = &url.URL{Scheme: a.Scheme, Host: a.Host, RawQuery: x.target.query, ForceQuery: x.target.asked && x.target.query == ""}
	setPath(out.URL, a.Base+x.target.path)
	out.Header = x.out
	out.RequestURI, out.Close, out.TransferEncoding, out.Body = "", false, nil, nil
	if x.body != nil {
		out.Body = x.body
	}
	if b.own {
		out.Host = a.Host
	}
	return out
}

// setPath makes sure that the path goes out as it is, to the byte.
func setPath(u *url.URL, canonical string) {
	u.Path, u.RawPath = canonical, canonical
	if plain, err := url.PathUnescape(canonical); err == nil {
		u.Path = plain
	}
}

// informational passes a 1xx reply on. It runs on a goroutine of the transport.
func (x *exchange) informational(code int, header textproto.MIMEHeader) error {
	if code == http.StatusContinue || code == http.StatusSwitchingProtocols || !x.r.ProtoAtLeast(1, 1) {
		return nil // the first is between us and the client already
	}
	x.headMu.Lock()
	defer x.headMu.Unlock()
	if x.headDone {
		return nil
	}
	h := x.w.Header()
	copyReply(h, headers(header))
	x.w.WriteHeader(code)
	clear(h)
	return nil
}

// failed decides what an attempt that gave no reply means: whose fault it was,
// and whether another member may be asked.
func (x *exchange) failed(b *backend, m *member.Member, err error, now time.Time, repeats *int) (again bool) {
	ended := x.endedBy()
	var refused *connectError
	switch {
	case ended != "":
		x.endedAnswer(ended)
	case x.r.Context().Err() != nil:
		x.entry.outcome, x.abort = outcomeClientAbort, true
	case x.body != nil && x.body.malformed.Load():
		x.closing = true
		x.answer(http.StatusBadRequest, outcomeBadRequest, "malformed body")
	case x.body != nil && x.body.gone.Load():
		x.entry.outcome, x.abort = outcomeClientAbort, true
	case errors.As(err, &refused) && !errors.Is(err, context.Canceled):
		b.pool.Failed(m, now, refused.Error())
		if x.body == nil || !x.body.touched.Load() {
			return true
		}
		x.answer(http.StatusBadGateway, outcomeMemberError, "the server could not be reached")
	case isTimeout(err):
		m.AddError()
		x.answer(http.StatusGatewayTimeout, outcomeMemberError, "the server took too long to answer")
	default:
		m.AddError()
		if x.repeatable() && *repeats < b.retry {
			*repeats++
			return true
		}
		x.answer(http.StatusBadGateway, outcomeMemberError, "the server broke off before it answered")
	}
	return false
}

// endedAnswer tells the client, to whom nothing went yet, why there is no reply.
func (x *exchange) endedAnswer(ended outcome) {
	x.closing = true
	if ended == outcomeShutdown {
		x.w.Header().Set("Retry-After", "1")
		x.answer(http.StatusServiceUnavailable, ended, "the proxy is stopping")
		return
	}
	x.answer(http.StatusGatewayTimeout, ended, "this took longer than it may")
}

// repeatable reports whether asking twice does what asking once does.
func (x *exchange) repeatable() bool {
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return x.body == nil && !x.upgrade
	}
	return false
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
