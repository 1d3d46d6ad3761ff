package rotate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// watchBench is a watch that is turned by hand, with a clock and a disk of the test.
type watchBench struct {
	*watch
	t     *testing.T
	now   time.Time
	gauge Space
	told  *event.Recorder
}

func newWatchBench(t *testing.T) *watchBench {
	t.Helper()
	b := &watchBench{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), told: &event.Recorder{}}
	b.gauge = Space{Available: 500 << 30, Total: 1 << 40, UsedShare: 0.5, InodesFree: 1e6, InodesTotal: 2e6}
	k, err := Open(Options{Config: testConfig(t), Names: []string{"stderr"}, Events: b.told})
	must(t, err)
	t.Cleanup(func() { k.Drain(within(t, 5*time.Second)) })
	b.watch = k.watch
	b.measure = func(string) (Space, error) { return b.gauge, nil }
	b.logs[0].sampler.now = func() time.Time { return b.now }
	return b
}

// second lets a second pass in which the log gets so many bytes of one line.
func (b *watchBench) second(bytes int) {
	l := b.logs[0]
	const line = "[error] 4711: Callback called exit at /srv/app.pl line 42.\n"
	for n := bytes / len(line); n > 0; {
		k := min(n, chunkSize/len(line))
		text := strings.Repeat(line, k)
		l.queue.put(b.pool, text)
		l.sampler.observe([]byte(text), k)
		for c, _ := l.queue.take(); c != nil; c, _ = l.queue.take() {
			l.queue.finish(c, len(c.buf))
		}
		n -= k
	}
	b.now = b.now.Add(time.Second)
	b.look(b.now)
}

// orders returns the reasons of the rotations asked for, and forgets them.
func (b *watchBench) orders() (reasons []string) {
	l := b.logs[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.asks {
		reasons = append(reasons, a.reason)
	}
	l.asks = nil
	return reasons
}

// The book's case: "the file could grow to 300 Mbytes in a few minutes".
func TestAMegabyteASecondIsToldWithItsLine(t *testing.T) {
	b := newWatchBench(t)
	for range 60 {
		b.second(600)
	}
	if got := b.told.Events(); len(got) != 0 {
		t.Fatalf("a quiet log raised %v", got)
	}
	var surged, stormed, turned int
	for i := 1; i <= 40; i++ {
		b.second(1 << 20)
		if n := len(event.Of[event.LogSurged](b.told)); n > 0 && surged == 0 {
			surged = i
		}
		if n := len(event.Of[event.LogStormed](b.told)); n > 0 && stormed == 0 {
			stormed = i
		}
		if r := b.orders(); len(r) > 0 && turned == 0 {
			turned = i
			if r[0] != "growth" {
				t.Fatalf("rotation for %q", r[0])
			}
		}
	}
	if surged == 0 || surged > 12 || turned == 0 || turned > 12 || stormed == 0 || stormed > 34 {
		t.Fatalf("surged after %d s, turned after %d s, stormed after %d s", surged, turned, stormed)
	}
	storms := event.Of[event.LogStormed](b.told)
	if len(storms) != 1 {
		t.Fatalf("%d storms", len(storms))
	}
	s := storms[0]
	if len(s.Top) == 0 || !strings.Contains(s.Top[0].Template, "Callback called exit") || s.Top[0].Share < 0.99 || s.Top[0].Lines < 1000 {
		t.Fatalf("top %+v", s.Top)
	}
	if s.Log != "stderr" || !strings.HasSuffix(s.Path, "stderr.log") || s.Rate < 300_000 || s.Available != 500<<30 {
		t.Fatalf("storm %+v", s)
	}
	for range 700 {
		b.second(600)
	}
	if calmed := event.Of[event.LogCalmed](b.told); len(calmed) != 1 {
		t.Fatalf("%d calmed: %v", len(calmed), calmed)
	}
	t.Logf("surged after %d s, turned after %d s, stormed after %d s (%s, %d lines of %q)", surged, turned, stormed, s.Rule, s.Top[0].Lines, s.Top[0].Template)
}

func TestADiskThatFillsIsToldAndReclaimed(t *testing.T) {
	b := newWatchBench(t)
	for range 20 {
		b.second(600)
	}
	b.gauge.Available, b.gauge.UsedShare = 1<<30, 0.999
	for range 20 {
		b.second(600)
	}
	low := event.Of[event.DiskLow](b.told)
	if len(low) == 0 || low[0].Reserve != 4<<30 || low[0].Available != 1<<30 {
		t.Fatalf("%+v", low)
	}
	b.janitor.mu.Lock()
	wanted := b.janitor.wanted
	b.janitor.mu.Unlock()
	if wanted < 3<<30 {
		t.Fatalf("%d bytes to reclaim, want what the reserve lacks", wanted)
	}
	b.gauge.Available, b.gauge.UsedShare = 500<<30, 0.5
	for range 3600 {
		b.second(60)
	}
	if n := len(event.Of[event.DiskRecovered](b.told)); n != 1 {
		t.Fatalf("%d recoveries", n)
	}
}

func TestAFullDiskIsToldOnceAndEndedOnce(t *testing.T) {
	b := newWatchBench(t)
	l := b.logs[0]
	refuse := func(err error) {
		l.mu.Lock()
		l.trouble = err
		if err != nil {
			l.since = b.now
		}
		l.mu.Unlock()
	}
	full := errors.New("write: no space left on device")
	for i := range 30 {
		// Reclaimed space lets single writes through.
		if refuse(full); i%3 == 0 {
			b.second(0)
			refuse(nil)
		}
		b.second(0)
	}
	refuse(nil)
	for range 10 {
		b.second(0)
	}
	told, ended := event.Of[event.DiskFull](b.told), event.Of[event.DiskRecovered](b.told)
	if len(told) != 1 || len(ended) != 1 || told[0].Error != full.Error() || told[0].Log != "stderr" || told[0].Subject() != ended[0].Subject() {
		t.Fatalf("told %+v, ended %+v", told, ended)
	}
}

func TestAForeignFileIsNoFullDisk(t *testing.T) {
	b := newWatchBench(t)
	l := b.logs[0]
	l.wait = func(time.Duration) bool { return true }
	for range 5 {
		if !l.suffer(fmt.Errorf("open log: %w", foreign("log x is a fifo, not a plain file")), true) {
			t.Fatal("given up")
		}
		b.second(0)
	}
	if st := l.status(keptFacts{}, b.now); !strings.Contains(st.Trouble, "a fifo") {
		t.Errorf("status %+v", st)
	}
	l.wellAgain()
	for range 10 {
		b.second(0)
	}
	if e := b.told.Events(); len(e) != 2 || len(event.Of[event.LogRotateFailed](b.told)) != 1 || len(event.Of[event.LogRotateRecovered](b.told)) != 1 {
		t.Errorf("told %+v, want that it is barred and that it is not any more", e)
	}
	b.janitor.mu.Lock()
	defer b.janitor.mu.Unlock()
	if b.janitor.wanted != 0 {
		t.Errorf("%d bytes of archives to be deleted", b.janitor.wanted)
	}
}

func TestLossIsToldWithAllItsLines(t *testing.T) {
	b := newWatchBench(t)
	l := b.logs[0]
	total := uint64(0)
	for i := range 25 {
		l.mu.Lock()
		l.facts.lost.Lines += uint64(i)
		l.facts.lost.reason = "enospc"
		l.mu.Unlock()
		total += uint64(i)
		b.second(0)
	}
	b.tellLoss(l, time.Time{})
	got := event.Of[event.LinesDropped](b.told)
	sum := uint64(0)
	for _, e := range got {
		sum += e.Lines
	}
	if sum != total || len(got) > 4 {
		t.Fatalf("%d lines in %d events, want %d in at most 4: %s", sum, len(got), total, fmt.Sprint(got))
	}
}
