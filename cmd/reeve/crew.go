package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// crew owns goroutines: it knows their names, keeps a panic in one of them
// from ending the process, and waits for all of them for a bounded time.
type crew struct {
	sink event.Sink
	ctx  context.Context
	stop context.CancelFunc

	mu      sync.Mutex
	running map[string]int
	idle    chan struct{} // closed when the last one ends; nil while none waits
	errs    []error
}

func newCrew(sink event.Sink) *crew {
	ctx, stop := context.WithCancel(context.Background())
	return &crew{sink: sink, ctx: ctx, stop: stop, running: map[string]int{}}
}

// restPeriod is the pause before a member that panicked starts again, so that
// a panic that repeats does not fill the journal.
const restPeriod = time.Second

// keep runs fn until it returns; a panic is told and fn runs again.
func (c *crew) keep(name string, fn func(context.Context) error) {
	c.enter(name)
	go func() {
		defer c.exit(name)
		for c.attempt(name, fn) {
			select {
			case <-time.After(restPeriod):
			case <-c.ctx.Done():
				return
			}
		}
	}()
}

// once is keep without a second try.
func (c *crew) once(name string, fn func(context.Context) error) {
	c.enter(name)
	go func() {
		defer c.exit(name)
		c.attempt(name, fn)
	}()
}

func (c *crew) attempt(name string, fn func(context.Context) error) (panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			c.sink.Emit(event.GuardPanicked{Guard: name, Value: fmt.Sprint(v)})
			panicked = true
		}
	}()
	if err := fn(c.ctx); err != nil && !errors.Is(err, context.Canceled) {
		c.mu.Lock()
		c.errs = append(c.errs, fmt.Errorf("%s: %w", name, err))
		c.mu.Unlock()
	}
	return false
}

func (c *crew) enter(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[name]++
}

func (c *crew) exit(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[name]--; c.running[name] == 0 {
		delete(c.running, name)
	}
	if len(c.running) == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// cancel ends the context of all members.
func (c *crew) cancel() { c.stop() }

// wait waits for all members, then cancels those that are left and waits once
// more as long. It returns their errors, and names who is still there.
func (c *crew) wait(limit time.Duration) error {
	if !c.gone(limit) {
		c.stop()
		if !c.gone(limit) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("%s still running %s after being told to end", strings.Join(c.namesLocked(), ", "), limit)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.errs...)
}

func (c *crew) gone(limit time.Duration) bool {
	c.mu.Lock()
	if len(c.running) == 0 {
		c.mu.Unlock()
		return true
	}
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-time.After(limit):
		return false
	}
}

func (c *crew) namesLocked() []string {
	var names []string
	for name := range c.running {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
