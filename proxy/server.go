package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/proxy/member"
)

// maxRequestHead is the longest head of a request, in bytes.
const maxRequestHead = 64 << 10

// Options is what a Server is made of.
type Options struct {
	Config    Config
	Listeners []net.Listener     // at least one; the Server closes them when it stops accepting
	Board     *scoreboard.Writer // where requests in flight are written; required
	Events    event.Sink         // nil discards
	Access    io.Writer          // where access lines go, in one Write for many lines; nil discards
}

// Server is the proxy.
type Server struct {
	board     *scoreboard.Writer
	listeners []net.Listener
	events    event.Sink
	access    *accessLog // nil for none
	http      *http.Server
	born      time.Time

	site    atomic.Pointer[site]
	flights flights
	taken   atomic.Uint64 // requests that got a slot
	denied  atomic.Uint64
	fullAt  atomic.Int64 // when ScoreboardFull was last told, in Unix nanoseconds

	reloading sync.Mutex     // one Reload at a time
	serving   sync.WaitGroup // one for each listener
	conns     sync.WaitGroup // clients' connections, and tunnels that were one
	buffers   sync.Pool      // *[]byte for bodies
	lines     sync.Pool      // *[]byte for access lines
}

// New builds a Server. The error lists all problems of the configuration.
func New(opts Options) (*Server, error) {
	if opts.Board == nil {
		return nil, errors.New("make proxy: no scoreboard")
	}
	if len(opts.Listeners) == 0 {
		return nil, errors.New("make proxy: no listener")
	}
	if err := opts.Config.Validate(); err != nil {
		return nil, err
	}
	st, err := buildSite(opts.Config)
	if err != nil {
		return nil, err
	}
	s := &Server{board: opts.Board, listeners: opts.Listeners, events: opts.Events, born: time.Now()}
	if s.events == nil {
		s.events = event.Discard{}
	}
	if opts.Access != nil {
		s.access = newAccessLog(opts.Access, s.events)
	}
	s.buffers.New = func() any { b := make([]byte, bodyBuffer); return &b }
	s.lines.New = func() any { b := make([]byte, 0, 512); return &b }
	st.open(nil, s.events, s.born)
	s.site.Store(st)
	s.http = s.newHTTP(opts.Config.Times)
	return s, nil
}

func (s *Server) newHTTP(t TimesConfig) *http.Server {
	only1 := new(http.Protocols)
	only1.SetHTTP1(true)
	return &http.Server{
		Handler:                      s,
		ReadHeaderTimeout:            t.Header.Std(),
		IdleTimeout:                  t.Idle.Std(),
		MaxHeaderBytes:               maxRequestHead,
		Protocols:                    only1,
		DisableGeneralOptionsHandler: true, // OPTIONS * is a request like others: counted and logged
		ConnContext:                  s.greet,
		ConnState:                    s.count,
		// What clients do wrong is in the access log, as far as it is a request.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// Run serves until ctx ends; then it stops accepting, lets requests finish for
// the configured drain time, and cuts those that are left. It returns when all
// that it started has ended, and may be called once. The error is that of a
// listener that failed; an asked-for end is none.
func (s *Server) Run(ctx context.Context) error {
	stop := make(chan struct{})
	var scanning sync.WaitGroup
	scanning.Go(func() { s.scan(stop) })
	if s.access != nil {
		go s.access.run() // close waits for it
	}
	failed := make(chan error, len(s.listeners)) // one each, so that none blocks
	for _, l := range s.listeners {
		s.serving.Go(func() { failed <- s.http.Serve(l) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	}
	s.drain(ctx)
	close(stop)
	scanning.Wait()
	if s.access != nil {
		s.access.close()
	}
	s.site.Load().retire(nil)
	return err
}

// drain ends all service. Listeners are closed first, which leaves a socket
// open that a supervisor holds too: connections wait there for the next life.
func (s *Server) drain(ctx context.Context) {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.site.Load().config.Drain.Std())
	defer cancel()
	_ = s.http.Shutdown(grace) // its error says that grace ran out, which is handled below
	s.flights.each(func(f *flight) { f.end(outcomeShutdown) })
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*endGrace)
	defer cancel()
	_ = s.http.Shutdown(last) // they say so to their clients
	_ = s.http.Close()        // its error is of connections that are closed already
	s.serving.Wait()
	_ = s.http.Close() // of those that were accepted while the listeners closed
	s.conns.Wait()
}

// Reload puts another configuration in force between two requests. On an error
// nothing has changed. What is known about members stays, by pool and name.
// MaxRequests, Times.Header and Times.Idle wait for the next start.
func (s *Server) Reload(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	next, err := buildSite(c)
	if err != nil {
		return err
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	before := s.site.Load()
	next.open(before, s.events, time.Now())
	s.site.Store(next)
	before.retire(next)
	return nil
}

// SetMember changes a member's weight or state at once, until the next Reload.
func (s *Server) SetMember(pool, name string, c member.Change) error {
	b, ok := s.site.Load().backends[pool]
	if !ok {
		return fmt.Errorf("no pool %q", pool)
	}
	return b.pool.Set(name, c)
}

// clientConn is what is known about a client's connection. Requests on one
// connection are served one after another, so it needs no lock.
type clientConn struct {
	net.Conn
	peer     netip.Addr // not valid for a unix socket
	text     string     // of peer; "unix" where it is not valid
	requests int
}

type clientConnKey struct{}

func (s *Server) greet(ctx context.Context, c net.Conn) context.Context {
	cc := &clientConn{Conn: c, peer: parsePeer(c.RemoteAddr().String()), text: "unix"}
	if cc.peer.IsValid() {
		cc.text = cc.peer.String()
	}
	return context.WithValue(ctx, clientConnKey{}, cc)
}

// count keeps track of the goroutines that serve connections. One that was
// hijacked is counted down by the tunnel that took it.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed:
		s.conns.Done()
	}
}
