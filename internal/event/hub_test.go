package event

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
)

func orphan(pid int) Event { return OrphanReaped{PID: pid} }

func TestCursorSeesRecordsInOrderThenEOF(t *testing.T) {
	var h Hub
	c := h.Cursor()
	for i := range 10 {
		h.Emit(orphan(i))
	}
	h.Close()
	h.Emit(orphan(99)) // after Close: discarded
	for i := range 10 {
		r, err := c.Next(t.Context())
		if err != nil || r.Seq != uint64(i+1) || r.Event != orphan(i) {
			t.Fatalf("record %d = %+v, %v", i, r, err)
		}
	}
	if _, err := c.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Fatalf("after the last record: %v, want io.EOF", err)
	}
	if n := c.Missed(); n != 0 {
		t.Fatalf("missed %d, want 0", n)
	}
	h.Close() // a second Close is nothing
}

func TestCursorCountsWhatItMissedExactly(t *testing.T) {
	h := Hub{Size: 4}
	c := h.Cursor()
	h.Emit(orphan(0))
	if r, ok := c.TryNext(); !ok || r.Seq != 1 {
		t.Fatalf("first = %+v, %v", r, ok)
	}
	for i := 1; i <= 10; i++ {
		h.Emit(orphan(i))
	}
	r, ok := c.TryNext()
	if !ok || r.Seq != 8 {
		t.Fatalf("after falling behind: %+v, %v, want seq 8", r, ok)
	}
	if n := c.Missed(); n != 6 { // 2..7
		t.Fatalf("missed %d, want 6", n)
	}
	if n := c.Missed(); n != 0 {
		t.Fatalf("missed again %d, want 0", n)
	}
}

func TestCursorAfter(t *testing.T) {
	h := Hub{Size: 4}
	for i := range 10 {
		h.Emit(orphan(i))
	}
	for _, tt := range []struct {
		after, first, missed uint64
	}{{0, 7, 0}, {2, 7, 4}, {6, 7, 0}, {9, 10, 0}} {
		c := h.CursorAfter(tt.after)
		r, ok := c.TryNext()
		if !ok || r.Seq != tt.first || c.Missed() != tt.missed {
			t.Errorf("after %d: %+v %v, want first %d missed %d", tt.after, r, ok, tt.first, tt.missed)
		}
	}
	if r, ok := h.CursorAfter(10).TryNext(); ok {
		t.Errorf("after the newest: %+v", r)
	}
}

func TestNextWaitsAndWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		got := make(chan Record, 1) // one record is read
		go func() {
			r, _ := h.Cursor().Next(t.Context())
			got <- r
		}()
		synctest.Wait()
		select {
		case r := <-got:
			t.Fatalf("Next returned %+v before an event", r)
		default:
		}
		h.Emit(orphan(7))
		if r := <-got; r.Event != orphan(7) {
			t.Fatalf("got %+v", r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.CursorAfter(1).Next(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("with a dead context: %v", err)
		}
	})
}

// A consumer that never reads, and a thousand that emit: nobody waits.
func TestEmitNeverBlocks(t *testing.T) {
	const emitters, each = 1000, 20
	h := Hub{Size: 64}
	idle := h.Cursor()
	reader := h.Cursor()
	read := make(chan uint64, 1) // the one total
	go func() {
		var n, last uint64
		for {
			r, err := reader.Next(context.Background())
			n += reader.Missed()
			if err != nil {
				break
			}
			if r.Seq <= last {
				t.Errorf("seq %d after %d", r.Seq, last)
			}
			last = r.Seq
			n++
		}
		read <- n
	}()
	var wg sync.WaitGroup
	for i := range emitters {
		wg.Go(func() {
			for range each {
				h.Emit(orphan(i))
			}
		})
	}
	wg.Wait()
	h.Close()
	if n := <-read; n != emitters*each {
		t.Errorf("read + missed = %d, want %d", n, emitters*each)
	}
	if r, ok := idle.TryNext(); !ok || r.Seq != emitters*each-63 || idle.Missed() != emitters*each-64 {
		t.Errorf("idle cursor: %+v %v", r, ok)
	}
}

func BenchmarkEmit(b *testing.B) {
	var h Hub
	for b.Loop() {
		h.Emit(orphan(1))
	}
}
