package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

func TestFlipsAreGrantedABurstAndThenOneEachPause(t *testing.T) {
	var f flips
	now := time.Unix(1000, 0)
	for i := range flipBurst {
		if wait := f.take(now); wait != 0 {
			t.Fatalf("the %dth waits %s", i+1, wait)
		}
	}
	now = now.Add(flipPause / 4)
	if wait := f.take(now); wait != flipPause*3/4 {
		t.Errorf("the first too many waits %s", wait)
	}
	now = now.Add(flipPause * 3 / 4)
	if wait := f.take(now); wait != 0 {
		t.Errorf("the one that has come back waits %s", wait)
	}
	if wait := f.take(now); wait != flipPause {
		t.Errorf("the next waits %s", wait)
	}
	now = now.Add(time.Hour)
	for i := range flipBurst {
		if wait := f.take(now); wait != 0 {
			t.Fatalf("after an hour the %dth waits %s", i+1, wait)
		}
	}
	if f.take(now) == 0 {
		t.Error("an hour grants more than a burst")
	}
}

// A child that flips as fast as it can makes a few events a second, no change
// of it is uncounted, the last one is told, and Status is never behind.
func TestAFlippingChildDoesNotFloodTheTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) { o.ReadyBy = ReadyByNotify })
		b.start()
		flip := func(ready bool) {
			b.about(1, func() { b.heard(notice{ready: ready, stopping: !ready}) })
			synctest.Wait()
			if got := b.Status().Ready; got != ready {
				t.Fatalf("status says ready %v, want %v", got, ready)
			}
		}
		const seconds, each = 5, 1000
		for range seconds * each / 2 {
			flip(true)
			b.pass(time.Second / each)
			flip(false)
			b.pass(time.Second / each)
		}
		count := func() (told, untold int, last bool) {
			for _, e := range b.events.Events() {
				switch e := e.(type) {
				case event.ChildReady:
					told, untold, last = told+1, untold+e.Untold, true
				case event.ChildUnready:
					told, untold, last = told+1, untold+e.Untold, false
				}
			}
			return told, untold, last
		}
		if told, _, _ := count(); told < flipBurst || told > flipBurst+seconds+1 {
			t.Errorf("%d events about %d changes in %d s", told, seconds*each, seconds)
		}
		b.pass(time.Minute)
		if _, _, last := count(); last {
			t.Error("the last word is ready, and the child is not")
		}
		flip(true) // carries what is left
		told, untold, last := count()
		if told+untold != seconds*each+1 || !last {
			t.Errorf("%d told and %d untold of %d changes; the last is ready: %v", told, untold, seconds*each+1, last)
		}
		b.finish()
	})
}

// What was not told of a life when it ended is not told of the next one.
func TestAnEndOutweighsWhatWasNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) { o.ReadyBy = ReadyByNotify })
		b.start()
		for range flipBurst {
			b.MarkReady(1, "test")
			b.MarkUnready(1, "test")
		}
		synctest.Wait()
		at := len(b.events.Events())
		b.lives[0].die(Exit{Code: 1})
		b.pass(10 * time.Second)
		for _, e := range b.events.Events()[at:] {
			switch e.(type) {
			case event.ChildReady, event.ChildUnready:
				t.Errorf("told after the end: %+v", e)
			}
		}
		b.finish()
	})
}
