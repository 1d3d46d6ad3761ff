package pager

import (
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// apply folds one record and queues what people must hear of it.
func (p *Pager) apply(rec event.Record) {
	pages := p.fold(rec)
	for i := range pages {
		if pages[i].State == Firing && p.o.Evidence != nil {
			pages[i].Evidence = p.evidence(rec.Event)
		}
		p.tell(pages[i], false, time.Now())
	}
	if len(pages) > 0 {
		p.keep()
	}
}

// fold lets go of the lock also where the policy panics.
func (p *Pager) fold(rec event.Record) []Page {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq = rec.Seq
	return p.ledger.apply(rec)
}

// evidence asks the house for facts, without the lock: the house may ask for
// the pager's status to give them.
func (p *Pager) evidence(e event.Event) (facts map[string]string) {
	p.survive("pager evidence", func() { facts = p.o.Evidence() })
	id := event.IncidentID{Kind: e.Kind(), Subject: event.SubjectOf(e)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.ledger.notes[id]; n != nil {
		n.evidence = facts
	}
	return facts
}

// turn does what is due and returns when to come again.
func (p *Pager) turn(now time.Time) time.Time {
	p.mu.Lock()
	pages, next := p.ledger.due(now)
	var open []Page
	if again := p.refreshed.Add(refreshEvery); !now.Before(again) {
		open, p.refreshed = p.ledger.pages(), now
	}
	if again := p.refreshed.Add(refreshEvery); again.Before(next) {
		next = again
	}
	p.mu.Unlock()
	for _, page := range open {
		p.refresh(page, now)
	}
	for _, page := range pages {
		p.tell(page, false, now)
	}
	if len(pages) > 0 {
		p.keep()
	}
	return next
}

// tell queues news at each receiver that wants it.
func (p *Pager) tell(page Page, refresh bool, now time.Time) {
	for _, r := range p.receivers {
		if severities[page.Severity] >= r.min && (!refresh || r.many) {
			r.put(page, refresh, now)
		}
	}
}

func (p *Pager) refresh(page Page, now time.Time) { p.tell(page, true, now) }

// keep puts the open incidents on disk.
func (p *Pager) keep() {
	p.mu.Lock()
	text, err := p.ledger.save()
	p.mu.Unlock()
	if err == nil {
		p.spool.put(incidentsFile, text)
	}
}
