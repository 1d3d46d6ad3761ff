package proxy

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// fullEvery is how often a full scoreboard is told of at most.
const fullEvery = 10 * time.Second

// methods is what the proxy says it knows; others pass if a route takes them.
const methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// serve decides what becomes of the request.
func (x *exchange) serve() {
	t, err := parseTarget(x.r.RequestURI)
	x.target = t
	if err == nil && t.path != "" {
		x.path = t.path
	}
	isStatus := err == nil && !t.asterisk && x.site.isStatus(t.path)
	if !x.claim() && !isStatus {
		x.full()
		return
	}
	switch x.r.Method {
	case http.MethodConnect, http.MethodTrace:
		x.w.Header().Set("Allow", methods)
		x.closing = true
		x.answer(http.StatusMethodNotAllowed, outcomeRefused, x.r.Method+" is not served here")
		return
	}
	if err != nil {
		x.closing = true
		x.answer(http.StatusBadRequest, outcomeBadRequest, err.Error())
		return
	}
	if t.asterisk {
		x.asterisk()
		return
	}
	host, ok := x.admit(isStatus)
	if !ok {
		return
	}
	if isStatus {
		x.status()
		return
	}
	x.route(host)
}

// full refuses a request that finds no slot.
func (x *exchange) full() {
	now := time.Now().UnixNano()
	last := x.server.fullAt.Load()
	if now-last > int64(fullEvery) && x.server.fullAt.CompareAndSwap(last, now) {
		x.server.events.Emit(event.ScoreboardFull{Slots: x.site.config.MaxRequests})
	}
	x.w.Header().Set("Retry-After", "1")
	x.answer(http.StatusServiceUnavailable, outcomeFull, "too many requests in flight")
}

// asterisk answers OPTIONS *, which asks about the server as a whole.
func (x *exchange) asterisk() {
	if x.r.Method != http.MethodOptions {
		x.answer(http.StatusBadRequest, outcomeBadRequest, "the target * is for OPTIONS")
		return
	}
	x.w.Header().Set("Allow", methods)
	x.entry.outcome = outcomeOK
	x.send(http.StatusOK, nil)
}

// admit makes sure that the request is for this site, and returns the name of
// its host, which is empty where an HTTP/1.0 client gave none. net/http has put
// the host of an absolute target in the place of the Host header's. The status
// page may be asked for by the address it is reached at too, as a probe does.
func (x *exchange) admit(isStatus bool) (string, bool) {
	x.public = public{scheme: "http", host: x.r.Host}
	if x.r.TLS != nil {
		x.public.scheme = "https"
	}
	name, port, err := splitHost(x.r.Host)
	if err != nil && (x.r.Host != "" || x.r.ProtoAtLeast(1, 1)) {
		x.closing = true
		x.answer(http.StatusBadRequest, outcomeBadRequest, err.Error())
		return "", false
	}
	if x.target.scheme != "" {
		own := x.target.scheme == x.public.scheme && x.ownAbsolute(name, port)
		if !own {
			x.closing = true
			x.answer(http.StatusForbidden, outcomeRefused, "this is not a proxy for other sites")
			return "", false
		}
	} else if !x.site.owns(name) && !(isStatus && x.isHere(name, port)) {
		x.answer(http.StatusForbidden, outcomeRefused, "no such site here")
		return "", false
	}
	return name, true
}

// ownAbsolute reports whether the host of an absolute target is this proxy:
// one of the configured names or, where there are none, the address that the
// client connected to. Without names any Host header is taken, but an absolute
// target asks a proxy to go somewhere, and then the somewhere must be here.
func (x *exchange) ownAbsolute(name, port string) bool {
	if len(x.site.hosts) > 0 {
		return x.site.owns(name)
	}
	return x.isHere(name, port)
}

// isHere reports whether the client named the address that it connected to.
func (x *exchange) isHere(name, port string) bool {
	local, ok := x.r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at := parsePeer(local.String())
	if !at.IsValid() {
		return false
	}
	if port == "" {
		port = defaultPort(x.public.scheme)
	}
	if _, own, err := net.SplitHostPort(local.String()); err != nil || own != port {
		return false
	}
	return name == at.String() || name == "localhost" && at.IsLoopback()
}

// route finds the pool and serves from it.
func (x *exchange) route(host string) {
	r := matchRoute(x.site.routes, &question{
		method: x.r.Method, host: host, path: x.target.path, headers: x.r.Header,
	})
	switch {
	case r == nil:
		x.answer(http.StatusForbidden, outcomeRefused, "nothing is served under this address")
		return
	case r.deny != 0:
		x.answer(r.deny, outcomeRefused, "denied")
		return
	}
	if r.total > 0 {
		x.slot.SetDeadline(r.total)
	}
	x.entry.pool = r.pool
	x.forward(x.site.backends[r.pool])
}

// prepare makes what all members would get of the request.
func (x *exchange) prepare() {
	x.out = make(http.Header, len(x.r.Header)+4)
	copyRequest(x.out, x.r.Header, x.trusted)
	x.upgrade = x.r.Method == http.MethodGet && x.r.ProtoAtLeast(1, 1) && x.r.ContentLength == 0 &&
		listHas(x.r.Header["Connection"], "upgrade") && listHas(x.r.Header["Upgrade"], "websocket")
	if x.upgrade {
		x.out["Connection"] = []string{"Upgrade"}
		x.out["Upgrade"] = []string{"websocket"}
	}
	from := x.conn.text
	if x.trusted {
		if chain := x.out["X-Forwarded-For"]; len(chain) > 0 {
			from = strings.Join(chain, ", ") + ", " + from
		}
	}
	x.out["X-Forwarded-For"] = []string{from}
	if _, ok := x.out["X-Forwarded-Host"]; !ok && x.r.Host != "" {
		x.out["X-Forwarded-Host"] = []string{x.r.Host}
	}
	if v, ok := x.out["X-Forwarded-Proto"]; ok && (v[0] == "http" || v[0] == "https") {
		x.public.scheme = v[0] // a trusted proxy in front of us took the TLS off
	} else {
		x.out["X-Forwarded-Proto"] = []string{x.public.scheme}
	}
	if v, ok := x.r.Header["X-Forwarded-Host"]; ok && x.trusted {
		if _, _, err := splitHost(v[0]); err == nil {
			x.public.host = v[0]
		}
	}
	if _, ok := x.out["User-Agent"]; !ok {
		x.out["User-Agent"] = nil // else net/http invents one
	}
	if x.r.ContentLength != 0 {
		x.body = newRequestBody(x.r)
	}
}
