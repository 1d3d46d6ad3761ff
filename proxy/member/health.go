package member

import (
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Worked reports that the member answered.
func (p *Pool) Worked(m *Member, now time.Time) {
	if !m.outage.Load() {
		return
	}
	p.mu.Lock()
	var news []event.Event
	if i := p.findLocked(m); i >= 0 {
		c := &p.chair[i]
		if c.down {
			p.down--
			news = append(news, event.MemberUp{Pool: p.name, Member: m.name, Down: now.Sub(c.since)})
		}
		c.down, c.trial, c.fails, c.reason = false, false, 0, ""
		p.seatLocked(i)
		m.outage.Store(false)
	}
	news = append(news, p.countLocked()...)
	p.mu.Unlock()
	p.tell(news)
}

// Failed reports that the member could not be reached. Whatever a client did
// must not be reported here.
func (p *Pool) Failed(m *Member, now time.Time, reason string) {
	m.errors.Add(1)
	p.mu.Lock()
	var news []event.Event
	if i := p.findLocked(m); i >= 0 {
		m.outage.Store(true)
		c := &p.chair[i]
		c.fails++
		c.trial = false
		if c.down || c.fails >= max(1, p.spec.Fails) {
			c.until, c.reason = now.Add(p.spec.Retry), reason
		}
		if !c.down && c.fails >= max(1, p.spec.Fails) {
			c.down, c.since = true, now
			p.down++
			news = append(news, event.MemberDown{Pool: p.name, Member: m.name, Reason: reason})
		}
		p.seatLocked(i)
	}
	news = append(news, p.countLocked()...)
	p.mu.Unlock()
	p.tell(news)
}

// countLocked notices that the last member went or the first came back.
func (p *Pool) countLocked() []event.Event {
	empty := true
	for i := range p.seats {
		if p.seats[i].Offers {
			empty = false
			break
		}
	}
	if empty == p.empty {
		return nil
	}
	p.empty = empty
	if empty {
		return []event.Event{event.PoolEmpty{Pool: p.name}}
	}
	return []event.Event{event.PoolServing{Pool: p.name}}
}

func (p *Pool) tell(news []event.Event) {
	for _, e := range news {
		p.sink.Emit(e)
	}
}
