package proxy

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/proxy/balance"
	"github.com/reeveproxy/reeve/proxy/member"
)

// site is a configuration, built: what one request decides by from its
// beginning to its end, whatever is reloaded meanwhile.
type site struct {
	config     Config
	hosts      []string
	routes     []route
	backends   map[string]*backend
	template   *template // nil for no access log
	trust      networks
	statusFrom networks
	total      time.Duration
}

// backend is a pool and the way to it.
type backend struct {
	pool      *member.Pool
	transport *http.Transport
	connect   time.Duration
	firstByte time.Duration
	retry     int
	own       bool // members get the Host header that names them
	reverse   reverser
	specs     []member.Spec
}

// buildSite compiles a configuration that validated. It touches no pool: see
// open.
func buildSite(c Config) (*site, error) {
	st := &site{config: c, total: c.Times.Total.Std(), backends: map[string]*backend{}}
	for _, h := range c.Hosts {
		st.hosts = append(st.hosts, strings.ToLower(h))
	}
	var err error
	if st.trust, err = parseNetworks(c.Forwarded.Trust); err != nil {
		return nil, err
	}
	if st.statusFrom, err = parseNetworks(c.StatusFrom); err != nil {
		return nil, err
	}
	if c.AccessLog.Format != "" {
		if st.template, err = parseTemplate(c.AccessLog.Format, c.Name); err != nil {
			return nil, err
		}
	}
	for _, rc := range c.Routes {
		r, err := compileRoute(rc)
		if err != nil {
			return nil, err
		}
		st.routes = append(st.routes, r)
	}
	for name, pc := range c.Pools {
		if st.backends[name], err = buildBackend(pc); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func buildBackend(pc PoolConfig) (*backend, error) {
	b := &backend{
		connect: pc.ConnectTimeout.Std(), firstByte: pc.FirstByte.Std(), retry: pc.Retry,
		own: pc.Host != "client",
	}
	for _, m := range pc.Members {
		a, err := member.ParseAddress(m.URL)
		if err != nil {
			return nil, err
		}
		b.reverse.members = append(b.reverse.members, a)
		b.specs = append(b.specs, member.Spec{
			Name: m.label(), Address: a, Weight: m.Weight, State: member.State(m.State),
		})
	}
	return b, nil
}

// open connects the site to its pools, taking over from the site before it
// what goes on: pools by name, connections where nothing about them changed.
// It cannot fail.
func (st *site) open(before *site, sink event.Sink, now time.Time) {
	for name, b := range st.backends {
		spec := poolSpec(name, st.config.Pools[name], b.specs)
		var old *backend
		if before != nil {
			old = before.backends[name]
		}
		if old == nil {
			b.pool = member.NewPool(spec, sink, now)
		} else {
			b.pool = old.pool
			b.pool.Update(spec, now)
		}
		if old != nil && old.connect == b.connect && old.firstByte == b.firstByte {
			b.transport = old.transport
		} else {
			b.transport = newTransport(b.connect, b.firstByte)
		}
	}
}

// retire closes connections that the site after this one does not use.
func (st *site) retire(next *site) {
	for name, b := range st.backends {
		if next == nil || next.backends[name] == nil || next.backends[name].transport != b.transport {
			b.transport.CloseIdleConnections()
		}
	}
}

func poolSpec(name string, pc PoolConfig, members []member.Spec) member.PoolSpec {
	method, err := balance.Lookup(pc.Method)
	if err != nil {
		method = balance.ByRequests{} // an empty method in a Config that was made by hand
	}
	return member.PoolSpec{
		Name: name, Method: method, Fails: pc.Check.Fails, Retry: pc.Check.Retry.Std(), Members: members,
	}
}

// label is the member's name, or its host:port.
func (m MemberConfig) label() string {
	if m.Name != "" {
		return m.Name
	}
	if u, err := url.Parse(m.URL); err == nil {
		return u.Host
	}
	return m.URL
}

// owns reports whether the name in a Host header is this site's.
func (st *site) owns(name string) bool {
	return len(st.hosts) == 0 || slices.Contains(st.hosts, name)
}

// mayManage reports whether the peer may see the status page. A peer without
// an address came over a unix socket, so it is on this machine.
func (st *site) mayManage(peer netip.Addr) bool {
	if len(st.statusFrom) == 0 {
		return !peer.IsValid() || peer.IsLoopback()
	}
	return peer.IsValid() && st.statusFrom.contains(peer)
}

// isStatus reports whether the path is the status page's. It is asked before
// any route is.
func (st *site) isStatus(path string) bool {
	return st.config.StatusPath != "" && underPrefix(path, st.config.StatusPath)
}
