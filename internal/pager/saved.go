package pager

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// saved is an open incident on disk.
type saved struct {
	Since    time.Time         `json:"since"`
	Updated  time.Time         `json:"updated"`
	Count    int               `json:"count"`
	Last     json.RawMessage   `json:"last"` // as event.Encode writes it
	Opens    []time.Time       `json:"opens"`
	Told     time.Time         `json:"told"`
	Healed   time.Time         `json:"healed,omitzero"`
	HealedBy string            `json:"healed_by,omitempty"`
	Evidence map[string]string `json:"evidence,omitempty"`
}

// save returns the open incidents for the disk.
func (l *ledger) save() ([]byte, error) {
	all := []saved{}
	for _, inc := range l.list() {
		line, err := event.Encode(inc.Last)
		if err != nil {
			continue // a fact that JSON does not know; it is paged, not kept
		}
		n := l.notes[inc.ID]
		all = append(all, saved{
			Since: inc.Since, Updated: inc.Updated, Count: inc.Count, Last: line,
			Opens: n.opens, Told: n.told, Healed: n.healed, HealedBy: n.healedBy, Evidence: n.evidence,
		})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode incidents: %w", err)
	}
	return text, nil
}

// load takes over saved incidents. Those in doubt that are not seen again
// within the repeat time are resolved: what ended them may have happened while
// nobody looked.
func (l *ledger) load(text []byte, doubt bool) error {
	var all []saved
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("decode incidents: %w", err)
	}
	for _, s := range all {
		e, err := event.Decode(s.Last)
		if err != nil || !event.Lasting(e.Kind()) {
			continue // written by another version of reeve
		}
		id := event.IncidentID{Kind: e.Kind(), Subject: event.SubjectOf(e)}
		l.open.Put(event.Incident{ID: id, Since: s.Since, Updated: s.Updated, Count: s.Count, Last: e})
		if len(s.Opens) > flapOpens {
			s.Opens = s.Opens[len(s.Opens)-flapOpens:]
		}
		l.notes[id] = &note{
			opens: s.Opens, told: s.Told, healed: s.Healed, healedBy: s.HealedBy,
			evidence: s.Evidence, inherited: doubt,
		}
	}
	return nil
}
