package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// A board that is full, or full of nonsense, fills neither the report nor the
// disk: the oldest requests are named and all are counted.
func TestPostMortemNamesTheOldestRequests(t *testing.T) {
	const slots = 20_000
	board := make([]scoreboard.Request, slots)
	for i := range board {
		age := time.Duration(i*7919%slots) * time.Second // each once, in no order
		board[i] = scoreboard.Request{Slot: i, ID: uint64(i), Age: age, Path: strings.Repeat("\x01", 200)}
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := newBench(t, func(o *Options) {
			o.PostMortemDir, o.InFlight = dir, func(uint64) []scoreboard.Request { return board }
		})
		b.start()
		b.lives[0].die(Exit{Code: 1})
		b.is(Waiting)
		p := onlyPostMortem(t, dir)
		if p.InFlightTotal != slots || len(p.InFlight) != 100 {
			t.Fatalf("%d listed of %d, want 100 of %d", len(p.InFlight), p.InFlightTotal, slots)
		}
		for i, r := range p.InFlight {
			if want := time.Duration(slots-1-i) * time.Second; r.Age != want {
				t.Fatalf("request %d is %s old, want %s", i, r.Age, want)
			}
		}
		if e := event.Of[event.ChildDied](b.events); len(e) != 1 || e[0].InFlight != slots {
			t.Errorf("died: %+v", e)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "death-*"))
		if st, err := os.Stat(files[0]); err != nil || st.Size() > 1<<20 {
			t.Errorf("%v: a report of %d bytes", err, st.Size())
		}
		if board[0].Slot != 0 || board[slots-1].Slot != slots-1 {
			t.Error("the caller's list was put in another order")
		}
		b.finish()
	})
}
