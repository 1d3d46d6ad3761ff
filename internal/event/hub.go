package event

import (
	"context"
	"io"
	"sync"
	"time"
)

// DefaultRing is the number of records a Hub keeps when Size is 0: at a few
// events a second it is a quarter of an hour, in about a megabyte.
const DefaultRing = 4096

// Hub is the one timeline. The zero Hub is ready for use.
type Hub struct {
	// Size is the number of records kept; 0 means DefaultRing. It is read at
	// the first Emit or Cursor and must not change after.
	Size int

	mu     sync.Mutex
	ring   []Record
	seq    uint64        // of the newest record
	wake   chan struct{} // closed and replaced when there is something new
	closed bool
}

func (h *Hub) initLocked() {
	if h.ring != nil {
		return
	}
	if h.Size <= 0 {
		h.Size = DefaultRing
	}
	h.ring = make([]Record, h.Size)
	h.wake = make(chan struct{})
}

// Emit puts the event at the end of the timeline. After Close it does nothing.
func (h *Hub) Emit(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.initLocked()
	if h.closed {
		return
	}
	h.seq++
	h.ring[h.seq%uint64(len(h.ring))] = Record{Seq: h.seq, Time: time.Now(), Event: e}
	close(h.wake)
	h.wake = make(chan struct{})
}

// Close ends the timeline. Cursors deliver what is left, then io.EOF.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.initLocked()
	if h.closed {
		return
	}
	h.closed = true
	close(h.wake)
}

// Cursor returns a reader that starts at the oldest record still kept.
func (h *Hub) Cursor() *Cursor { return h.CursorAfter(0) }

// CursorAfter returns a reader whose first record is the one after seq. Records
// after seq that are no longer kept count as missed.
func (h *Hub) CursorAfter(seq uint64) *Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.initLocked()
	if seq == 0 {
		seq = h.oldestLocked() - 1
	}
	return &Cursor{hub: h, next: seq + 1}
}

// oldestLocked is the sequence number of the oldest record kept, or of the
// first one to come where there is none.
func (h *Hub) oldestLocked() uint64 {
	if n := uint64(len(h.ring)); h.seq > n {
		return h.seq - n + 1
	}
	return 1
}

// Cursor reads a Hub's timeline at its own pace. It is for one goroutine.
type Cursor struct {
	hub    *Hub
	next   uint64
	missed uint64
}

// Next returns the next record, waiting for one where there is none yet. It
// returns io.EOF after the last record of a closed hub, and the context's error
// when ctx ends first.
func (c *Cursor) Next(ctx context.Context) (Record, error) {
	for {
		r, ok, wake, err := c.poll()
		if ok || err != nil {
			return r, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return Record{}, ctx.Err()
		}
	}
}

// TryNext returns the next record if there is one, and does not wait.
func (c *Cursor) TryNext() (Record, bool) {
	r, ok, _, _ := c.poll()
	return r, ok
}

// Missed returns how many records were overwritten before this cursor read
// them, since the last call of Missed.
func (c *Cursor) Missed() uint64 {
	n := c.missed
	c.missed = 0
	return n
}

func (c *Cursor) poll() (r Record, ok bool, wake <-chan struct{}, err error) {
	h := c.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if oldest := h.oldestLocked(); c.next < oldest {
		c.missed += oldest - c.next
		c.next = oldest
	}
	if c.next <= h.seq {
		r = h.ring[c.next%uint64(len(h.ring))]
		c.next++
		return r, true, nil, nil
	}
	if h.closed {
		return Record{}, false, nil, io.EOF
	}
	return Record{}, false, h.wake, nil
}
