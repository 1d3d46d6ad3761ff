package pager

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// When an incident counts as flapping: it opened flapOpens times in flapWindow.
// It is then held open until nothing opened it for flapQuiet.
const (
	flapOpens  = 3
	flapWindow = time.Hour
	flapQuiet  = 30 * time.Minute
)

// ledger is the pager's policy: records and times in, pages out. It has no
// clock and does no I/O. It is for one goroutine.
type ledger struct {
	host, service string
	repeat        time.Duration
	started       time.Time // inherited incidents must be seen again within repeat of it
	open          event.Incidents
	notes         map[event.IncidentID]*note
}

// note is what the ledger remembers of an incident, and for flapWindow of one
// that is over.
type note struct {
	opens     []time.Time // at most flapOpens, oldest first
	told      time.Time   // people were last told
	healed    time.Time   // ended, but held open for flapping; else zero
	healedBy  string
	inherited bool // from an earlier run, not seen in this one
	evidence  map[string]string
}

func (n *note) flapping(now time.Time) bool {
	return len(n.opens) >= flapOpens && now.Sub(n.opens[len(n.opens)-flapOpens]) <= flapWindow
}

func newLedger(host, service string, repeat time.Duration, now time.Time) *ledger {
	return &ledger{host: host, service: service, repeat: repeat, started: now, notes: map[event.IncidentID]*note{}}
}

// apply folds a record and returns the pages that it causes.
func (l *ledger) apply(rec event.Record) []Page {
	kind := rec.Event.Kind()
	if strings.HasPrefix(kind, "page_") {
		return nil // a pager that pages about itself never ends
	}
	var pages []Page
	c := l.open.Apply(rec)
	for _, inc := range c.Ended {
		if p, ok := l.end(inc, kind, rec.Time); ok {
			pages = append(pages, p)
		}
	}
	if c.Told != nil && l.tell(*c.Told, c.New, rec.Time) {
		pages = append(pages, l.page(*c.Told, Firing))
	}
	return pages
}

// tell notes an event that opens or confirms an incident, and decides whether
// people hear of it now.
func (l *ledger) tell(inc event.Incident, isNew bool, now time.Time) bool {
	n := l.notes[inc.ID]
	if n == nil {
		l.forget(now)
		n = &note{}
		l.notes[inc.ID] = n
	}
	n.inherited = false
	if !event.Lasting(inc.ID.Kind) {
		if !n.told.IsZero() && now.Sub(n.told) < l.repeat {
			return false
		}
		n.told = now
		return true
	}
	reopened := !n.healed.IsZero()
	n.healed, n.healedBy = time.Time{}, ""
	if !isNew && !reopened {
		return false
	}
	n.opens = append(n.opens, now)
	if len(n.opens) > flapOpens {
		n.opens = n.opens[1:]
	}
	if !isNew {
		return false
	}
	n.told, n.evidence = now, nil
	return true
}

// end closes an incident, or holds it open where it flaps.
func (l *ledger) end(inc event.Incident, by string, now time.Time) (Page, bool) {
	n := l.notes[inc.ID]
	if n != nil && n.flapping(now) {
		n.healed, n.healedBy = now, by
		l.open.Put(inc)
		return Page{}, false
	}
	return l.resolve(inc, by, now), true
}

func (l *ledger) resolve(inc event.Incident, by string, until time.Time) Page {
	p := l.page(inc, Resolved)
	p.By, p.Until = by, until
	if n := l.notes[inc.ID]; n != nil {
		n.healed, n.healedBy, n.evidence, n.inherited = time.Time{}, "", nil, false
	}
	return p
}

// due returns the pages that time alone causes, and when to ask again.
func (l *ledger) due(now time.Time) (pages []Page, next time.Time) {
	next = now.Add(l.repeat)
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, inc := range l.list() {
		n := l.notes[inc.ID]
		remind, quiet, lost := n.told.Add(l.repeat), n.healed.Add(flapQuiet), l.started.Add(l.repeat)
		switch {
		case !n.healed.IsZero() && !now.Before(quiet):
			l.open.Drop(inc.ID)
			pages = append(pages, l.resolve(inc, n.healedBy, n.healed))
		case !n.healed.IsZero():
			sooner(quiet)
		case n.inherited && !now.Before(lost):
			l.open.Drop(inc.ID)
			pages = append(pages, l.resolve(inc, "not seen again since reeve started", now))
		case n.inherited:
			sooner(lost)
		case !now.Before(remind):
			n.told = now
			pages = append(pages, l.page(inc, Firing))
		default:
			sooner(remind)
		}
	}
	return pages, next
}

// forget drops the notes of incidents that are over and no longer matter.
func (l *ledger) forget(now time.Time) {
	open := map[event.IncidentID]bool{}
	for _, inc := range l.open.Open() {
		open[inc.ID] = true
	}
	keep := max(flapWindow, l.repeat)
	crowded := len(l.notes) >= 2*event.MaxOpen
	maps.DeleteFunc(l.notes, func(id event.IncidentID, n *note) bool {
		fresh := now.Sub(n.told) < keep || len(n.opens) > 0 && now.Sub(n.opens[len(n.opens)-1]) < keep
		return !open[id] && (crowded || !fresh)
	})
}

// list returns the open incidents, oldest first; each has its note.
func (l *ledger) list() []event.Incident {
	all := l.open.Open()
	for _, inc := range all {
		if l.notes[inc.ID] == nil {
			l.notes[inc.ID] = &note{told: inc.Updated}
		}
	}
	slices.SortFunc(all, func(a, b event.Incident) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	return all
}

// pages returns the open incidents as they are now.
func (l *ledger) pages() []Page {
	var out []Page
	for _, inc := range l.list() {
		out = append(out, l.page(inc, Firing))
	}
	return out
}
