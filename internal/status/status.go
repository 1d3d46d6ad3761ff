package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Kept is the number of records that a Fold remembers.
const Kept = 200

// Fold is the state that the timeline adds up to. The zero Fold is ready for
// use; its methods are safe from any goroutine.
type Fold struct {
	mu       sync.Mutex
	head     header
	life     Life
	stopping bool // reeve itself
	open     event.Incidents
	counts   map[string]uint64
	missed   uint64
	ring     []event.Record // at most Kept; the oldest is at next once it is full
	next     int
}

type header struct {
	version, service string
	pid              int
	started          time.Time
}

// Run folds the records of the cursor until the hub is closed and drained, and
// then returns nil; it returns ctx's error where ctx ends first.
func (f *Fold) Run(ctx context.Context, c *event.Cursor) error {
	for {
		rec, err := c.Next(ctx)
		f.apply(rec, c.Missed(), err == nil)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read timeline: %w", err)
		}
	}
}

func (f *Fold) apply(rec event.Record, missed uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missed += missed
	if !ok {
		return
	}
	if f.counts == nil {
		f.counts = map[string]uint64{}
	}
	f.counts[rec.Event.Kind()]++
	if len(f.ring) < Kept {
		f.ring = append(f.ring, rec)
	} else {
		f.ring[f.next] = rec
		f.next = (f.next + 1) % Kept
	}
	f.open.Apply(rec)
	switch e := rec.Event.(type) {
	case event.ReeveStarted:
		f.head = header{version: e.Version, service: e.Service, pid: e.PID, started: rec.Time}
	case event.ReeveStopping:
		f.stopping = true
	default:
		f.life = f.life.next(rec)
	}
}

// Ready tells whether the child that runs is ready to serve.
func (f *Fold) Ready() bool {
	ready, _ := f.ready()
	return ready
}

// ready also returns why not, in a few words.
func (f *Fold) ready() (bool, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.stopping:
		return false, "reeve is stopping"
	case f.life.State == StateReady:
		return true, ""
	case f.life.Reason != "":
		return false, "child is " + f.life.state() + ": " + f.life.Reason
	default:
		return false, "child is " + f.life.state()
	}
}
