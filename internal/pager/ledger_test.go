package pager

import (
	"fmt"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const half = 30 * time.Minute

var t0 = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// say applies an event at a time after t0 and renders the pages.
func say(l *ledger, after time.Duration, e event.Event) []string {
	return render(l.apply(event.Record{Time: t0.Add(after), Event: e}))
}

func wait(l *ledger, after time.Duration) []string {
	pages, _ := l.due(t0.Add(after))
	return render(pages)
}

func render(pages []Page) []string {
	out := []string{}
	for _, p := range pages {
		s := fmt.Sprintf("%s %s count=%d", p.State, p.Key, p.Count)
		if p.Flapping {
			s += " flapping"
		}
		if p.By != "" {
			s += " by=" + p.By
		}
		out = append(out, s)
	}
	return out
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestAnIncidentIsToldOnceUpdatedAndResolved(t *testing.T) {
	l := newLedger("h1", "shop", half, t0)
	expect(t, "open", say(l, 0, event.PoolEmpty{Pool: "static"}), "firing reeve/h1/shop/pool_empty/static count=1")
	expect(t, "again", say(l, time.Second, event.PoolEmpty{Pool: "static"}))
	expect(t, "another subject", say(l, time.Second, event.PoolEmpty{Pool: "dynamic"}), "firing reeve/h1/shop/pool_empty/dynamic count=1")
	expect(t, "too early", wait(l, half-time.Nanosecond))
	expect(t, "reminder", wait(l, half), "firing reeve/h1/shop/pool_empty/static count=2")
	expect(t, "not twice", wait(l, half))
	expect(t, "end", say(l, half+time.Minute, event.PoolServing{Pool: "static"}),
		"resolved reeve/h1/shop/pool_empty/static count=2 by=pool_serving")
	expect(t, "end again", say(l, half+time.Minute, event.PoolServing{Pool: "static"}))
}

func TestEndOfAllSubjects(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	say(l, 0, event.LimitMismatched{Limit: "as"})
	say(l, 0, event.LimitMismatched{Limit: "core"})
	if got := say(l, time.Second, event.LimitsVerified{}); len(got) != 2 {
		t.Errorf("resolved %q, want both", got)
	}
}

func TestWhatNothingEndsIsToldOncePerRepeat(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	e := event.TreeSurvived{Life: 1}
	expect(t, "first", say(l, 0, e), "firing reeve/h/s/tree_survived count=1")
	expect(t, "soon", say(l, half-1, e))
	expect(t, "no reminder", wait(l, half))
	expect(t, "later", say(l, half, e), "firing reeve/h/s/tree_survived count=1")
}

func TestOneHealedRestartTellsNobody(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	for _, e := range []event.Event{event.ChildCondemned{}, event.ChildDied{}, event.ChildBackedOff{}, event.ChildLaunched{}, event.ChildReady{}} {
		expect(t, e.Kind(), say(l, 0, e))
	}
}

func TestThePagerNeverPagesAboutItself(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	for _, e := range []event.Event{event.PageTested{}, event.PageFailed{}, event.PageDropped{}, event.PageSent{}} {
		expect(t, e.Kind(), say(l, 0, e))
	}
}

func TestFlappingIsHeldOpenUntilQuiet(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	open, end := event.DiskLow{Path: "/l"}, event.DiskRecovered{Path: "/l"}
	const key = "reeve/h/s/disk_low//l"
	min := time.Minute
	expect(t, "1", say(l, 0, open), "firing "+key+" count=1")
	expect(t, "1 end", say(l, 1*min, end), "resolved "+key+" count=1 by=disk_recovered")
	expect(t, "2", say(l, 2*min, open), "firing "+key+" count=1")
	expect(t, "2 end", say(l, 3*min, end), "resolved "+key+" count=1 by=disk_recovered")
	expect(t, "3", say(l, 4*min, open), "firing "+key+" count=1 flapping")
	expect(t, "3 end is held", say(l, 5*min, end))
	expect(t, "4 is no news", say(l, 6*min, open))
	expect(t, "4 end is held", say(l, 7*min, end))
	expect(t, "not quiet long enough", wait(l, 7*min+flapQuiet-1))
	expect(t, "quiet", wait(l, 7*min+flapQuiet), "resolved "+key+" count=2 flapping by=disk_recovered")
	expect(t, "over", wait(l, 10*time.Hour))
}

func TestSlowReturnsAreNotFlapping(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	for i := range 5 {
		at := time.Duration(i) * (flapWindow/2 + time.Minute)
		if got := say(l, at, event.PoolEmpty{Pool: "p"}); len(got) != 1 {
			t.Errorf("open %d: %q", i, got)
		}
		if got := say(l, at+time.Minute, event.PoolServing{Pool: "p"}); len(got) != 1 {
			t.Errorf("end %d: %q", i, got)
		}
	}
}

func TestIncidentsSurviveARestart(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	say(l, 0, event.DiskLow{Path: "/l"})
	say(l, time.Minute, event.PoolEmpty{Pool: "p"})
	say(l, time.Minute, event.ChildRested{Failures: 9, Wait: time.Minute})
	text, err := l.save()
	if err != nil {
		t.Fatal(err)
	}
	next := newLedger("h", "s", half, t0.Add(10*time.Minute))
	if err := next.load(text, true); err != nil {
		t.Fatal(err)
	}
	expect(t, "seen again: no news", say(next, 11*time.Minute, event.PoolEmpty{Pool: "p"}))
	expect(t, "ended", say(next, 12*time.Minute, event.DiskRecovered{Path: "/l"}),
		"resolved reeve/h/s/disk_low//l count=1 by=disk_recovered")
	expect(t, "one reminder is due", wait(next, 31*time.Minute), "firing reeve/h/s/pool_empty/p count=2")
	expect(t, "not seen again", wait(next, 40*time.Minute),
		"resolved reeve/h/s/child_rested count=1 by=not seen again since reeve started")
}

func TestNotesAreBounded(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	for i := range 5 * event.MaxOpen {
		say(l, time.Duration(i), event.PoolEmpty{Pool: fmt.Sprint(i)})
		say(l, time.Duration(i), event.PoolServing{Pool: fmt.Sprint(i)})
	}
	if n := len(l.notes); n > 2*event.MaxOpen+1 {
		t.Errorf("%d notes", n)
	}
}

func TestDueNamesItsNextTime(t *testing.T) {
	l := newLedger("h", "s", half, t0)
	say(l, 0, event.PoolEmpty{Pool: "p"})
	if _, next := l.due(t0.Add(time.Minute)); !next.Equal(t0.Add(half)) {
		t.Errorf("next %s, want %s", next, t0.Add(half))
	}
}

func TestDelay(t *testing.T) {
	c := Config{}.withDefaults().Retry
	for _, tt := range []struct {
		failures int
		random   float64
		want     time.Duration
	}{
		{1, 1, time.Second}, {1, 0, 800 * time.Millisecond}, {2, 1, 2 * time.Second}, {6, 1, 32 * time.Second},
		{7, 1, time.Minute}, {1000, 1, time.Minute}, {1000, 0, 48 * time.Second},
	} {
		if got := delay(c, tt.failures, tt.random); got != tt.want {
			t.Errorf("delay(%d, %v) = %s, want %s", tt.failures, tt.random, got, tt.want)
		}
	}
}

func TestBudget(t *testing.T) {
	b := budget{perMinute: 2, perHour: 3}
	at := func(sec int) time.Time { return t0.Add(time.Duration(sec) * time.Second) }
	for _, step := range []struct {
		sec  int
		wait time.Duration
	}{{0, 0}, {1, 0}, {2, 58 * time.Second}, {60, 0}, {62, 3538 * time.Second}, {3600, 0}} {
		if got := b.wait(at(step.sec)); got != step.wait {
			t.Errorf("at %d s: wait %s, want %s", step.sec, got, step.wait)
		}
		if step.wait == 0 {
			b.spend(at(step.sec))
		}
	}
	var none budget
	none.spend(t0)
	if none.wait(t0) != 0 {
		t.Error("no budget limits")
	}
}

func FuzzLoadIncidents(f *testing.F) {
	l := newLedger("h", "s", half, t0)
	say(l, 0, event.DiskLow{Path: "/l"})
	text, _ := l.save()
	f.Add(text)
	f.Add([]byte(`[{"last":{"kind":"disk_low"},"opens":[]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := newLedger("h", "s", half, t0)
		if l.load(text, true) != nil {
			return
		}
		l.due(t0.Add(time.Hour))
		l.apply(event.Record{Time: t0, Event: event.DiskRecovered{Path: "/l"}})
		if _, err := l.save(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeWaiting(f *testing.F) {
	w := waiting{Receiver: "ops", Queued: t0, Page: Page{Key: "reeve/h/s/disk_low"}}
	f.Add(w.file(), []byte(`{"receiver":"ops","page":{"key":"reeve/h/s/disk_low"}}`))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		w, err := decodeWaiting(name, text)
		if err == nil && w.file() != name {
			t.Fatal("a page under a name that is not its own")
		}
	})
}
