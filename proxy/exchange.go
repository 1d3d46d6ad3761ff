package proxy

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/proxy/member"
)

// exchange is one request and its reply, for the goroutine that serves it.
type exchange struct {
	flight
	server *Server
	site   *site
	w      http.ResponseWriter
	r      *http.Request
	conn   *clientConn
	ctx    context.Context

	target  target
	trusted bool       // the peer is a proxy of ours
	addr    netip.Addr // the client's
	public  public
	out     http.Header // what goes to members
	body    *requestBody
	upgrade bool // the client asks for WebSocket

	entry     entry
	placed    bool // a scoreboard slot is held
	closing   bool // the connection ends with this reply
	whole     bool // the reply went out to its end
	abort     bool // the reply cannot be ended properly, so the connection is cut
	unlogged  bool // served by the status page, which probes ask every second
	hijacked  bool
	memberAt  time.Time
	triedRoom [4]*member.Member

	headMu   sync.Mutex // guards the reply's head against late 1xx replies
	headDone bool
}

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{server: s, site: s.site.Load(), w: w, r: r}
	x.start = time.Now()
	x.method = r.Method
	defer x.finish()
	x.begin()
	x.serve()
}

// begin finds out who asks, and for what in words; it refuses nothing.
func (x *exchange) begin() {
	x.conn, _ = x.r.Context().Value(clientConnKey{}).(*clientConn)
	if x.conn == nil { // a test that calls the handler itself
		x.conn = &clientConn{peer: parsePeer(x.r.RemoteAddr), text: x.r.RemoteAddr}
	} else {
		x.flight.conn = x.conn.Conn
	}
	x.conn.requests++
	// Where net/http may hide that the framing was ambiguous, nothing after
	// this message is read from the connection.
	x.closing = x.conn.requests >= max(1, x.site.config.KeepAlive.Requests) ||
		!x.r.ProtoAtLeast(1, 1) || len(x.r.TransferEncoding) > 0

	x.addr = x.conn.peer
	x.trusted = len(x.site.trust) > 0 && x.site.trust.contains(x.conn.peer)
	name := x.conn.text
	x.client = x.r.RemoteAddr
	if x.trusted {
		if x.addr = clientOf(x.conn.peer, x.r.Header["X-Forwarded-For"], x.site.trust); x.addr != x.conn.peer {
			name = x.addr.String()
			x.client = name
		}
	}
	path, query := x.r.RequestURI, ""
	if at := strings.IndexByte(path, '?'); at >= 0 {
		path, query = path[:at], path[at:]
	}
	x.path = path
	x.entry = entry{
		start: x.start, client: name, method: x.r.Method, host: x.r.Host, path: path, query: query,
		proto: x.r.Proto, request: x.r.Header,
	}
}

// claim takes a slot on the scoreboard. Without one only the status page is
// served: it is what tells why.
func (x *exchange) claim() bool {
	ctx, cancel := context.WithCancel(x.r.Context())
	x.ctx, x.cancel = ctx, cancel
	slot, ok := x.server.board.Claim(x.client, x.method, x.path, x.site.total)
	if !ok {
		return false
	}
	x.slot, x.placed = slot, true
	x.entry.id = slot.ID()
	x.server.taken.Add(1)
	x.server.flights.put(slot.Index(), &x.flight)
	return true
}

// finish gives everything back, whatever happened, and writes the line.
func (x *exchange) finish() {
	v := recover()
	x.endHead() // where nothing was answered, the member may still be talking
	ended := x.land()
	if x.placed {
		x.server.flights.put(x.slot.Index(), nil)
		x.slot.Release()
	}
	if x.cancel != nil {
		x.cancel()
	}
	if x.hijacked {
		x.server.conns.Done()
	}
	switch {
	case v != nil && v != http.ErrAbortHandler:
		x.entry.outcome = outcomePanic
		x.server.events.Emit(event.GuardPanicked{Guard: "proxy request", Value: fmt.Sprint(v)})
	case ended != "" && !x.whole:
		x.entry.outcome = ended
	}
	x.log()
	if ended != "" && x.whole && !x.hijacked {
		// It was ended as its last byte went out: the connection's deadlines
		// are spoilt, so what is buffered goes now and the connection after.
		_ = http.NewResponseController(x.w).Flush()
		x.abort = true
	}
	if (x.abort || v != nil) && !x.hijacked {
		panic(http.ErrAbortHandler) // how net/http is told to cut the connection
	}
}

// log writes the access line.
func (x *exchange) log() {
	s := x.server
	if s.access == nil || x.site.template == nil || x.unlogged {
		return
	}
	now := time.Now()
	x.entry.total = now.Sub(x.start)
	if !x.memberAt.IsZero() && x.entry.member == 0 {
		x.entry.member = now.Sub(x.memberAt)
	}
	x.entry.bytes = x.bytes.Load()
	x.entry.reply = x.w.Header()
	line := s.lines.Get().(*[]byte)
	*line = x.site.template.append((*line)[:0], &x.entry)
	s.access.add(*line, now)
	s.lines.Put(line)
}

// answer replies by the proxy itself.
func (x *exchange) answer(status int, o outcome, why string) {
	x.endHead()
	h := x.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if x.r.ContentLength != 0 {
		x.closing = true // what is left of a body is not worth reading
	}
	x.send(status, fmt.Appendf(nil, "%d %s: %s\n", status, http.StatusText(status), why))
	x.entry.outcome = o
	if o == outcomeRefused || o == outcomeBadRequest || o == outcomeFull {
		x.server.denied.Add(1)
	}
}

// send writes a whole reply.
func (x *exchange) send(status int, body []byte) {
	h := x.w.Header()
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if x.closing {
		h.Set("Connection", "close")
	}
	x.entry.status = status
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		n, err := x.w.Write(body)
		x.bytes.Store(uint64(max(0, n)))
		if err != nil {
			x.entry.outcome = outcomeClientAbort
			return
		}
	}
	x.whole = x.endedBy() == ""
}

// endHead makes sure that no 1xx reply comes after the reply.
func (x *exchange) endHead() {
	x.headMu.Lock()
	x.headDone = true
	x.headMu.Unlock()
}
