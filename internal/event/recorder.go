package event

import (
	"context"
	"sync"
)

// Recorder is a Sink for tests: it keeps everything and lets a test wait for
// an event instead of sleeping. The zero Recorder is ready for use.
type Recorder struct {
	mu     sync.Mutex
	events []Event
	wake   chan struct{}
}

// Emit keeps the event and wakes those who wait.
func (r *Recorder) Emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// Events returns a copy of what was emitted so far, in order.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// Of returns the recorded events of type T, in order.
func Of[T Event](r *Recorder) []T {
	var out []T
	for _, e := range r.Events() {
		if t, ok := e.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// Await returns the first recorded event of type T for which match is true (a
// nil match takes any), waiting for it until ctx ends; then it returns ctx's
// error.
func Await[T Event](ctx context.Context, r *Recorder, match func(T) bool) (T, error) {
	seen := 0
	for {
		r.mu.Lock()
		pending := r.events[seen:]
		seen = len(r.events)
		if r.wake == nil {
			r.wake = make(chan struct{})
		}
		wake := r.wake
		r.mu.Unlock()
		for _, e := range pending {
			if t, ok := e.(T); ok && (match == nil || match(t)) {
				return t, nil
			}
		}
		select {
		case <-wake:
		case <-ctx.Done():
			var zero T
			return zero, ctx.Err()
		}
	}
}
