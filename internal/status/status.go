package status

import (
	"context"
	"net/http"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Kept is the number of records that a Fold remembers.
const Kept = 200

// Fold is the state that the timeline adds up to. The zero Fold is ready for
// use; its methods are safe from any goroutine.
type Fold struct{}

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

// Life is what is known of the child.
type Life struct {
	Number   uint64    `json:"number"` // 0 before the first launch
	PID      int       `json:"pid"`    // 0 while none runs
	State    string    `json:"state"`  // none, starting, ready, unready, stopping, backoff, resting, gave_up, stopped
	Since    time.Time `json:"since"`  // of State
	Launched time.Time `json:"launched"`
	Program  string    `json:"program"`
	Restarts uint64    `json:"restarts"` // launches after the first
	Reason   string    `json:"reason"`   // of the last change, "" where there is none
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
	Started   time.Time         `json:"started"`
	Ready     bool              `json:"ready"`
	Life      Life              `json:"life"`
	Counts    map[string]uint64 `json:"counts"` // events seen, by kind
	Missed    uint64            `json:"missed"` // records lost to this fold
	Incidents []Incident        `json:"incidents"`
	Records   []Record          `json:"records"` // the last Kept, oldest first
}

// Run folds the records of the cursor until the hub is closed and drained, and
// then returns nil; it returns ctx's error where ctx ends first.
func (f *Fold) Run(ctx context.Context, c *event.Cursor) error { return nil }

// Ready tells whether the child that runs is ready to serve.
func (f *Fold) Ready() bool { return false }

// Snapshot returns a copy of what is known.
func (f *Fold) Snapshot() Snapshot { return Snapshot{} }

// Healthz answers 200 while reeve itself lives: restarting reeve does not help
// a sick child.
func (f *Fold) Healthz() http.Handler { return http.NotFoundHandler() }

// Readyz answers 200 while Ready, else 503 with the reason in one line.
func (f *Fold) Readyz() http.Handler { return http.NotFoundHandler() }
