package proxy

import (
	"cmp"
	"slices"
	"time"

	"github.com/reeveproxy/reeve/proxy/manage"
)

// Status is what a Server tells about itself.
type Status = manage.Status

// Status is the state at this moment.
func (s *Server) Status() Status {
	now := time.Now()
	site := s.site.Load()
	st := Status{
		Name: site.config.Name, Since: s.born, Uptime: now.Sub(s.born),
		Requests: s.taken.Load(), Denied: s.denied.Load(),
	}
	if s.access != nil {
		st.Dropped = s.access.dropped()
	}
	s.flights.each(func(f *flight) {
		r := manage.Request{
			ID: f.slot.ID(), Client: f.client, Method: f.method, Path: f.path,
			Age: now.Sub(f.start), Bytes: f.bytes.Load(),
		}
		if m := f.member.Load(); m != nil {
			r.Member = m.Name()
		}
		st.InFlight = append(st.InFlight, r)
	})
	slices.SortFunc(st.InFlight, func(a, b manage.Request) int { return cmp.Compare(a.ID, b.ID) })
	for _, name := range sortedKeys(site.backends) {
		p := site.backends[name].pool
		st.Pools = append(st.Pools, manage.Pool{Name: name, Method: p.Method(), Members: p.Snapshot(nil, now)})
	}
	return st
}
