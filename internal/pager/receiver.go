package pager

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// maxBatch is the most pages in one delivery.
const maxBatch = 100

// receiver owns the news for one receiver and the goroutine that delivers it.
type receiver struct {
	name, kind string
	min        event.Severity
	sender     sender
	many       bool // takes many pages in one delivery as a matter of course
	retry      RetryConfig
	maxAge     time.Duration
	spool      *spool
	events     event.Sink
	wake       chan struct{} // capacity 1: a wake-up that is pending covers all

	mu        sync.Mutex
	queue     *queue
	budget    budget
	throttled bool // pages wait for the budget, so they go out together
	alone     bool // a batch was refused: its pages are tried one by one
	failures  int  // in a row
	notBefore time.Time
	told      bool // page_failed was emitted for this outage
	stats     ReceiverStatus
}

// put queues news. It only touches memory.
func (r *receiver) put(p Page, refresh bool, now time.Time) {
	r.mu.Lock()
	item, dropped := r.queue.put(waiting{Receiver: r.name, Queued: now, Page: p, refresh: refresh})
	if !item.refresh {
		r.save(*item)
	}
	r.mu.Unlock()
	if dropped != nil {
		r.drop(*dropped, "the spool is full")
	}
	r.nudge()
}

func (r *receiver) save(w waiting) {
	if text, err := json.Marshal(w); err == nil {
		r.spool.put(w.file(), text)
	}
}

func (r *receiver) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends. After closing it tries what is left once without
// waiting, and returns when nothing is left or a try fails.
func (r *receiver) run(ctx context.Context, closing <-chan struct{}) {
	last := false
	for ctx.Err() == nil {
		batch, wait := r.next(time.Now(), last)
		if len(batch) > 0 {
			err := r.deliver(ctx, batch)
			var no *refusal
			if last && err != nil && !errors.As(err, &no) {
				return
			}
			continue
		}
		if last {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-closing:
			last = true
		case <-r.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// idle is how long a receiver without work sleeps; it is woken earlier.
const idle = time.Hour

// next returns what to deliver now, or how long to wait. In haste it does not
// wait for a failed receiver, but for the budget it does: a flood at the end is
// a flood.
func (r *receiver) next(now time.Time, haste bool) ([]waiting, time.Duration) {
	r.mu.Lock()
	old := r.queue.expire(now.Add(-r.maxAge))
	batch, wait := r.nextLocked(now, haste)
	r.mu.Unlock()
	for _, w := range old {
		r.drop(w, "older than "+r.maxAge.String())
	}
	return batch, wait
}

func (r *receiver) nextLocked(now time.Time, haste bool) ([]waiting, time.Duration) {
	if len(r.queue.items) == 0 {
		return nil, idle
	}
	if wait := r.notBefore.Sub(now); wait > 0 && !haste {
		return nil, wait
	}
	if wait := r.budget.wait(now); wait > 0 {
		r.throttled = true
		return nil, wait
	}
	n := 1
	if (r.many || r.throttled) && !r.alone {
		n = maxBatch
	}
	return r.queue.take(n), 0
}

// deliver tries once and settles what came of it.
func (r *receiver) deliver(ctx context.Context, batch []waiting) error {
	pages := make([]Page, len(batch))
	for i, w := range batch {
		pages[i] = w.Page
	}
	err := sendSafely(ctx, r.sender, pages)
	if ctx.Err() != nil && err != nil {
		return err // reeve stops: the page stays in the spool
	}
	now := time.Now()
	var no *refusal
	switch {
	case err == nil:
		r.sent(batch, now)
	case errors.As(err, &no):
		r.refused(batch, err, now)
	default:
		r.failed(batch, err, now)
	}
	return err
}

func (r *receiver) sent(batch []waiting, now time.Time) {
	r.mu.Lock()
	r.budget.spend(now)
	r.failures, r.notBefore, r.told = 0, time.Time{}, false
	r.throttled = r.throttled && len(r.queue.items) > len(batch)
	r.stats.Down, r.stats.Error, r.stats.LastSent = false, "", now
	for _, w := range batch {
		r.settle(w)
		r.stats.Sent++
	}
	r.alone = r.alone && len(r.queue.items) > 0
	r.mu.Unlock()
	for _, w := range batch {
		if !w.refresh {
			r.events.Emit(event.PageSent{Receiver: r.name, Incident: w.Page.Key, State: w.Page.State, Attempts: w.Tries})
		}
	}
}

// settle takes a page out of the queue and the spool. A page that was overtaken
// by newer news stays: the news has to be told too.
func (r *receiver) settle(w waiting) {
	if r.queue.settle(w) && !w.refresh {
		r.spool.put(w.file(), nil)
	}
}

// refused gives up a page that the receiver will never take. Of a batch one
// page may be the cause, so each is first tried alone.
func (r *receiver) refused(batch []waiting, err error, now time.Time) {
	r.mu.Lock()
	r.budget.spend(now)
	r.stats.Failed++
	if len(batch) > 1 {
		r.alone = true
		r.mu.Unlock()
		return
	}
	r.stats.Down, r.stats.Error = true, err.Error()
	r.settle(batch[0])
	r.mu.Unlock()
	if batch[0].refresh {
		return
	}
	r.drop(batch[0], err.Error())
}

func (r *receiver) failed(batch []waiting, err error, now time.Time) {
	r.mu.Lock()
	r.failures++
	wait := delay(r.retry, r.failures, rand.Float64())
	var b *busy
	if errors.As(err, &b) {
		wait = max(wait, min(b.after, r.retry.Max.Std()))
	}
	r.notBefore = now.Add(wait)
	r.stats.Failed++
	r.stats.Down, r.stats.Error = true, err.Error()
	tell := !r.told
	r.told = true
	spooled := len(r.queue.items)
	r.mu.Unlock()
	if tell {
		r.events.Emit(event.PageFailed{Receiver: r.name, Incident: batch[0].Page.Key, Error: err.Error(), Spooled: spooled})
	}
}

func (r *receiver) drop(w waiting, reason string) {
	if w.refresh {
		return
	}
	r.mu.Lock()
	r.stats.Dropped++
	if _, again := r.queue.items[w.Page.Key]; !again {
		r.spool.put(w.file(), nil)
	}
	r.mu.Unlock()
	r.events.Emit(event.PageDropped{Receiver: r.name, Incident: w.Page.Key, Reason: reason})
}

func (r *receiver) status() ReceiverStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Name, s.Kind, s.Target = r.name, r.kind, r.sender.target()
	for _, w := range r.queue.items {
		if !w.refresh {
			s.Waiting++
		}
	}
	return s
}
