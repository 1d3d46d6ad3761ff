package pager

import "time"

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
