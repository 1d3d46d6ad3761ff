package proxy

import (
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// scanEvery is how late an overdue request may be noticed.
const scanEvery = 100 * time.Millisecond

// scan ends overdue requests until stop closes. It is the one clock of all
// requests: none has a timer of its own.
func (s *Server) scan(stop <-chan struct{}) {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	var due []scoreboard.Due
	for {
		select {
		case <-tick.C:
			due = s.scanOnce(due[:0])
		case <-stop:
			return
		}
	}
}

// scanOnce survives a panic, because a proxy that no longer ends its runaways
// is worse than one that reports a mistake ten times a second.
func (s *Server) scanOnce(due []scoreboard.Due) []scoreboard.Due {
	defer func() {
		if v := recover(); v != nil {
			s.events.Emit(event.GuardPanicked{Guard: "proxy overdue scan", Value: fmt.Sprint(v)})
		}
	}()
	due = s.board.Overdue(due)
	for _, d := range due {
		f := s.flights.get(d.Index)
		if f == nil || f.slot.ID() != d.ID {
			continue // it went while we looked
		}
		s.endDue(f, d)
	}
	return due
}

// endDue ends one request. A kill by the supervisor is the supervisor's to
// tell; telling it here too would count it twice.
func (s *Server) endDue(f *flight, d scoreboard.Due) {
	if d.Killed {
		f.end(outcomeKilled)
		return
	}
	if !f.end(outcomeTimeout) {
		return
	}
	killed := event.RequestKilled{
		ID: d.ID, By: "proxy", Method: f.method, Path: f.path, Client: f.client,
		Age: d.Age, Bytes: f.bytes.Load(),
	}
	if m := f.member.Load(); m != nil {
		killed.Member = m.Name()
	}
	s.events.Emit(killed)
}
