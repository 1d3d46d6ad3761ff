package status

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Incident is a paging event that nothing has ended yet.
type Incident struct {
	Key      string    `json:"key"` // kind/subject
	Kind     string    `json:"kind"`
	Subject  string    `json:"subject,omitempty"`
	Severity string    `json:"severity"`
	Since    time.Time `json:"since"`
	Updated  time.Time `json:"updated"` // of the last event that confirmed it
	Count    int       `json:"count"`   // events since it opened, at least 1
	Text     string    `json:"text"`    // what the kind means
	Do       string    `json:"do"`      // what to do about it
}

// Record is an event in the form that people and programs read.
type Record struct {
	Seq      uint64         `json:"seq"`
	Time     time.Time      `json:"time"`
	Kind     string         `json:"kind"`
	Severity string         `json:"severity"`
	Subject  string         `json:"subject,omitempty"`
	Facts    map[string]any `json:"facts,omitempty"`
}

// Snapshot is all that a Fold knows, at one moment.
type Snapshot struct {
	Version   string            `json:"version"`
	Service   string            `json:"service"`
	PID       int               `json:"pid"`
	Started   time.Time         `json:"started,omitzero"`
	Ready     bool              `json:"ready"`
	NotReady  string            `json:"not_ready,omitempty"` // why not
	Life      Life              `json:"life"`
	Counts    map[string]uint64 `json:"counts"`    // events seen, by kind
	Missed    uint64            `json:"missed"`    // records lost to this fold
	Incidents []Incident        `json:"incidents"` // oldest first
	Records   []Record          `json:"records"`   // the last Kept, oldest first
}

// Snapshot returns a copy of what is known.
func (f *Fold) Snapshot() Snapshot {
	ready, why := f.ready()
	f.mu.Lock()
	s := Snapshot{
		Version: f.head.version, Service: f.head.service, PID: f.head.pid, Started: f.head.started,
		Ready: ready, NotReady: why, Life: f.life, Counts: maps.Clone(f.counts), Missed: f.missed,
	}
	s.Life.State = f.life.state()
	open := f.open.Open()
	recs := append(slices.Clone(f.ring[f.next:]), f.ring[:f.next]...)
	f.mu.Unlock()

	s.Incidents = make([]Incident, 0, len(open))
	for _, inc := range open {
		s.Incidents = append(s.Incidents, incident(inc))
	}
	slices.SortFunc(s.Incidents, func(a, b Incident) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Key, b.Key))
	})
	s.Records = make([]Record, 0, len(recs))
	for _, r := range recs {
		s.Records = append(s.Records, NewRecord(r))
	}
	return s
}

func incident(inc event.Incident) Incident {
	d, _ := event.Lookup(inc.ID.Kind)
	return Incident{
		Key: inc.ID.String(), Kind: inc.ID.Kind, Subject: inc.ID.Subject, Severity: d.Severity.String(),
		Since: inc.Since, Updated: inc.Updated, Count: inc.Count, Text: d.Meaning, Do: d.Do,
	}
}

// NewRecord gives a record of the timeline the form for readers; durations
// become text such as "1m30s".
func NewRecord(r event.Record) Record {
	out := Record{
		Seq: r.Seq, Time: r.Time, Kind: r.Event.Kind(),
		Severity: event.SeverityOf(r.Event).String(), Subject: event.SubjectOf(r.Event), Facts: map[string]any{},
	}
	for _, a := range event.Attrs(r.Event) {
		v := a.Value.Any()
		if d, ok := v.(time.Duration); ok {
			v = d.String()
		}
		out.Facts[a.Key] = v
	}
	return out
}
