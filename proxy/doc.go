// Package proxy is a load-balancing HTTP reverse proxy: it takes requests on
// listeners that somebody else opened, sends each to a member of a pool, and
// keeps account of all of them on a shared scoreboard.
//
// It knows nothing of being supervised. What it needs it is given: listeners,
// a [Config], a scoreboard's writer, a sink for events, a writer for the access
// log. [ListenersFromEnv] and [NotifyReady] speak the standard protocols of
// socket activation and readiness for a program around it.
//
// # Guarantees
//
//  1. Never an open proxy: it forwards to configured members only. Targets
//     that name a foreign host get 403, CONNECT and TRACE 405, and what no
//     route matches 403.
//  2. No request is longer than its route's total time, whatever the member
//     and the client do. One goroutine ends overdue requests, and those that
//     the supervisor's word on the scoreboard names; others are not touched.
//  3. A request's scoreboard slot and its member's busy count are given back
//     exactly once, on every way out.
//  4. A request goes to another member only where the first cannot have acted
//     on it (the connect failed), or where it is safe to repeat.
//  5. A blocked access log blocks no request: lines are dropped and counted.
//  6. The path that routes see is the path that the member gets, to the byte.
//  7. A client cannot make the proxy drop a header that the proxy adds, nor
//     speak for another client unless its address is trusted.
//
// # Hazards
//
// The wire is read by net/http, which hides some malformed requests (both
// Content-Length and Transfer-Encoding; Transfer-Encoding on HTTP/1.0). So a
// connection ends after a chunked request and after any HTTP/1.0 request:
// bytes that a peer may take for a second request are never read as one.
//
// Policy (balance, member, route, target, forwarded, reverse, template) is free
// of net/http's types, because the wire code is to be replaced.
//
// Why not httputil.ReverseProxy: it cannot retry on another member, has no
// total time, forwards every Upgrade, and copies what it need not.
package proxy
