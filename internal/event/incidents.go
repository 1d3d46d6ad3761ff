package event

import "time"

// MaxOpen is the number of incidents that an Incidents keeps. Subjects come
// from the configuration, so it is never reached by a sound system; it bounds
// what a child that talks nonsense on its event pipe can cost.
const MaxOpen = 1000

// IncidentID is what makes two paging events the same incident.
type IncidentID struct {
	Kind    string
	Subject string // "" for a kind that has none
}

// String is kind/subject, or the kind alone.
func (id IncidentID) String() string {
	if id.Subject == "" {
		return id.Kind
	}
	return id.Kind + "/" + id.Subject
}

// Incident is a paging event that nothing has ended yet.
type Incident struct {
	ID      IncidentID
	Since   time.Time
	Updated time.Time // of the last event that confirmed it
	Count   int       // events since it opened, at least 1
	Last    Event     // the last of them
}

// Change is what one record did to the incidents.
type Change struct {
	Told  *Incident  // opened or confirmed by the record; nil where it does not page
	New   bool       // Told was not open before
	Ended []Incident // by the record, in no order
}

// Incidents folds records into the incidents that are open, as the
// declarations say. The zero Incidents is ready for use by one goroutine.
type Incidents struct {
	open map[IncidentID]Incident
}

// Lasting tells whether an incident of the kind goes on until another event
// ends it. One that nothing ends is told and never open.
func Lasting(kind string) bool {
	for _, d := range byKind() {
		for _, end := range d.Ends {
			if end == kind {
				return true
			}
		}
	}
	return false
}

// Apply folds one record.
func (in *Incidents) Apply(rec Record) Change {
	d, ok := Lookup(rec.Event.Kind())
	if !ok {
		return Change{}
	}
	c := Change{Ended: in.end(d, SubjectOf(rec.Event))}
	if !d.Pages {
		return c
	}
	id := IncidentID{Kind: d.Kind(), Subject: SubjectOf(rec.Event)}
	inc, open := in.open[id]
	if !open {
		inc = Incident{ID: id, Since: rec.Time}
	}
	inc.Updated, inc.Last = rec.Time, rec.Event
	inc.Count++
	if Lasting(id.Kind) {
		in.Put(inc)
	}
	c.Told, c.New = &inc, !open
	return c
}

func (in *Incidents) end(d Declaration, subject string) []Incident {
	var ended []Incident
	for _, kind := range d.Ends {
		for id, inc := range in.open {
			if id.Kind == kind && (d.EndsAll || id.Subject == subject) {
				ended = append(ended, inc)
				delete(in.open, id)
			}
		}
	}
	return ended
}

// Put opens an incident that is known from elsewhere, such as an earlier run.
// Past MaxOpen the one that was confirmed longest ago makes room.
func (in *Incidents) Put(inc Incident) {
	if in.open == nil {
		in.open = map[IncidentID]Incident{}
	}
	if _, ok := in.open[inc.ID]; !ok && len(in.open) >= MaxOpen {
		delete(in.open, in.oldest())
	}
	in.open[inc.ID] = inc
}

func (in *Incidents) oldest() IncidentID {
	var id IncidentID
	var at time.Time
	for k, inc := range in.open {
		if at.IsZero() || inc.Updated.Before(at) {
			id, at = k, inc.Updated
		}
	}
	return id
}

// Drop closes an incident without an event, and tells whether it was open.
func (in *Incidents) Drop(id IncidentID) bool {
	_, ok := in.open[id]
	delete(in.open, id)
	return ok
}

// Len is the number of open incidents.
func (in *Incidents) Len() int { return len(in.open) }

// Open returns the open incidents, in no order.
func (in *Incidents) Open() []Incident {
	out := make([]Incident, 0, len(in.open))
	for _, inc := range in.open {
		out = append(out, inc)
	}
	return out
}
