package pager

import (
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// The states of a page.
const (
	Firing   = "firing"
	Resolved = "resolved"
	Test     = "test"
)

// Page is the news of one incident, as receivers get it.
type Page struct {
	Key      string            `json:"key"`   // dedup key: reeve/<host>/<service>/<kind>/<subject>
	State    string            `json:"state"` // Firing, Resolved or Test
	Kind     string            `json:"kind"`
	Subject  string            `json:"subject,omitempty"`
	Severity string            `json:"severity"`
	Host     string            `json:"host"`
	Service  string            `json:"service"`
	Summary  string            `json:"summary"` // what happened, in one line
	Do       string            `json:"do,omitempty"`
	Since    time.Time         `json:"since"`
	Until    time.Time         `json:"until,omitzero"` // of a resolved incident
	By       string            `json:"by,omitempty"`   // what resolved it, or who asked for the test
	Count    int               `json:"count"`          // events since it opened
	Flapping bool              `json:"flapping,omitempty"`
	Lasting  bool              `json:"lasting"`            // false: nothing ends it, it is told once
	Facts    map[string]any    `json:"facts,omitempty"`    // of the last event
	Evidence map[string]string `json:"evidence,omitempty"` // of the moment at which it opened
	Also     []Page            `json:"also,omitempty"`     // others that waited for the budget
}

// page writes the news of an incident.
func (l *ledger) page(inc event.Incident, state string) Page {
	d, _ := event.Lookup(inc.ID.Kind)
	p := Page{
		Key: l.key(inc.ID), State: state, Kind: inc.ID.Kind, Subject: inc.ID.Subject,
		Severity: d.Severity.String(), Host: l.host, Service: l.service,
		Summary: summary(l.service, inc.ID.Subject, d.Meaning), Do: d.Do,
		Since: inc.Since, Count: inc.Count, Lasting: event.Lasting(inc.ID.Kind), Facts: facts(inc.Last),
	}
	if n := l.notes[inc.ID]; n != nil {
		p.Flapping, p.Evidence = n.flapping(inc.Updated), n.evidence
	}
	return p
}

func (l *ledger) key(id event.IncidentID) string {
	return "reeve/" + l.host + "/" + l.service + "/" + id.String()
}

func summary(service, subject, meaning string) string {
	if subject == "" {
		return service + ": " + meaning
	}
	return service + " " + subject + ": " + meaning
}

// facts gives durations the form that people read.
func facts(e event.Event) map[string]any {
	out := map[string]any{}
	for _, a := range event.Attrs(e) {
		v := a.Value.Any()
		if d, ok := v.(time.Duration); ok {
			v = d.String()
		}
		out[a.Key] = v
	}
	return out
}
