package runaway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// fake is a server whose requests began at given times.
type fake struct {
	mu     sync.Mutex
	began  map[uint64]time.Time
	deaf   map[uint64]bool // ignores kills
	broken error           // of Snapshot
	refuse error           // of Kill
	panics bool
	kills  []uint64
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Snapshot(context.Context) ([]Request, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("bad reply")
	}
	var out []Request
	for id, t := range f.began {
		out = append(out, Request{ID: id, Method: "GET", Path: "/x", Client: "192.0.2.1", Member: "www1", Age: time.Since(t), Bytes: id})
	}
	return out, f.broken
}

func (f *fake) Kill(_ context.Context, r Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kills = append(f.kills, r.ID)
	if f.refuse != nil {
		return f.refuse
	}
	if _, ok := f.began[r.ID]; !ok {
		return ErrGone
	}
	if !f.deaf[r.ID] {
		delete(f.began, r.ID)
	}
	return nil
}

func (f *fake) killed() []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]uint64(nil), f.kills...)
}

func (f *fake) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// hunt runs a hunt in a bubble; stop ends it and returns its verdict.
func hunt(t *testing.T, h *Hunter) (verdict chan error, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	verdict = make(chan error, 1) // the one verdict, which a test may not read
	go func() { verdict <- h.Hunt(ctx, 7) }()
	return verdict, cancel
}

func TestKillComesWithinAPollOfTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{began: map[uint64]time.Time{1: time.Now()}}
		rec := &event.Recorder{}
		verdict, stop := hunt(t, NewHunter(cfg(nil), f, rec))
		time.Sleep(100*time.Second + time.Millisecond)
		f.set(func() { f.began[2] = time.Now() })
		synctest.Wait()
		if len(f.killed()) != 0 {
			t.Fatalf("killed %v at the timeout's own second", f.killed())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(f.killed()) != 1 || f.killed()[0] != 1 {
			t.Fatalf("kills %v, want 1 alone", f.killed())
		}
		got := event.Of[event.RequestKilled](rec)
		want := event.RequestKilled{Life: 7, ID: 1, By: "watchdog", Method: "GET", Path: "/x", Client: "192.0.2.1", Member: "www1", Age: 101 * time.Second, Bytes: 1}
		if len(got) != 1 || got[0] != want {
			t.Fatalf("events %+v", got)
		}
		if n := len(event.Of[event.RequestWarned](rec)); n != 1 {
			t.Fatalf("%d warnings, want 1", n)
		}
		time.Sleep(30 * time.Second) // it obeyed: nothing more
		stop()
		if err := <-verdict; err != nil || len(event.Of[event.RequestStuck](rec)) != 0 {
			t.Fatalf("a life was condemned whose request obeyed: %v", err)
		}
	})
}

func TestDeafRequestCondemnsItsLife(t *testing.T) {
	for name, refuse := range map[string]error{"does not go": nil, "kill cannot be sent": errors.New("no such worker")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{began: map[uint64]time.Time{1: time.Now()}, deaf: map[uint64]bool{1: true}, refuse: refuse}
				rec := &event.Recorder{}
				verdict, _ := hunt(t, NewHunter(cfg(nil), f, rec))
				time.Sleep(110*time.Second + 500*time.Millisecond)
				synctest.Wait()
				select {
				case err := <-verdict:
					t.Fatalf("condemned within the grace: %v", err)
				default:
				}
				time.Sleep(time.Second)
				err := <-verdict
				var c *Condemned
				if !errors.As(err, &c) || c.Request.ID != 1 || !errors.Is(err, refuse) && refuse != nil {
					t.Fatalf("verdict %v", err)
				}
				if len(event.Of[event.RequestStuck](rec)) != 1 {
					t.Error("no event of it")
				}
				killed := len(event.Of[event.RequestKilled](rec))
				if refuse == nil && killed != 1 || refuse != nil && killed != 0 {
					t.Errorf("%d events of a kill", killed)
				}
				if len(f.killed()) < 5 {
					t.Errorf("asked %d times in the grace of 10 looks", len(f.killed()))
				}
			})
		})
	}
}

func TestDryRunKillsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{began: map[uint64]time.Time{1: time.Now()}}
		rec := &event.Recorder{}
		verdict, stop := hunt(t, NewHunter(cfg(func(c *Config) { c.DryRun = true }), f, rec))
		time.Sleep(10 * time.Minute)
		stop()
		if err := <-verdict; err != nil {
			t.Fatal(err)
		}
		got := event.Of[event.RequestKilled](rec)
		if len(f.killed()) != 0 || len(got) != 1 || !got[0].DryRun {
			t.Fatalf("kills %v, events %+v", f.killed(), got)
		}
	})
}

func TestBlindnessIsToldAndItsEndToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{broken: errors.New("connection refused")}
		rec := &event.Recorder{}
		h := NewHunter(cfg(nil), f, rec)
		verdict, stop := hunt(t, h)
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		if n := len(rec.Events()); n != 0 {
			t.Fatalf("told after two looks: %v", rec.Events())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := event.Of[event.SourceUnreadable](rec); len(got) != 1 || got[0] != (event.SourceUnreadable{Source: "fake", Error: "connection refused"}) {
			t.Fatalf("%+v", got)
		}
		stop()
		if err := <-verdict; err != nil {
			t.Fatal(err)
		}
		// The next life's scoreboard can be read: the incident of the last ends.
		f.set(func() { f.broken = nil })
		verdict, stop = hunt(t, h)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(event.Of[event.SourceReadable](rec)); n != 1 {
			t.Fatalf("told %d times that it can be read again", n)
		}
		f.set(func() { f.panics = true })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(event.Of[event.SourceUnreadable](rec)); n != 2 {
			t.Fatal("a panic of a source was silence")
		}
		stop()
		<-verdict
	})
}

func TestGraceRunsOnWhileNothingIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{began: map[uint64]time.Time{1: time.Now()}, deaf: map[uint64]bool{1: true}}
		verdict, _ := hunt(t, NewHunter(cfg(nil), f, event.Discard{}))
		time.Sleep(103 * time.Second)
		f.set(func() { f.broken = errors.New("gone dark") })
		time.Sleep(20 * time.Second)
		f.set(func() { f.broken = nil })
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		select {
		case err := <-verdict:
			if err == nil {
				t.Fatal("no verdict")
			}
		default:
			t.Fatal("the mark of a kill was forgotten when a look went wrong")
		}
	})
}

func TestTimeoutOfNothingHuntsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{began: map[uint64]time.Time{1: time.Now()}, broken: errors.New("x")}
		rec := &event.Recorder{}
		verdict, stop := hunt(t, NewHunter(cfg(func(c *Config) { c.Timeout = 0 }), f, rec))
		time.Sleep(24 * time.Hour)
		stop()
		if err := <-verdict; err != nil || len(rec.Events()) != 0 {
			t.Fatalf("%v, %v", err, rec.Events())
		}
	})
}

// The real scoreboard, in real time: one runaway among a hundred.
func TestBoardLosesTheRunawayAlone(t *testing.T) {
	b, err := scoreboard.Create(256)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w := scoreboard.NewWriter(b)
	runaway, _ := w.Claim("192.0.2.1:1", "GET", "/drip", 0)
	for start := scoreboard.Now(); scoreboard.Now()-start < int64(300*time.Millisecond); {
		time.Sleep(10 * time.Millisecond) // ages the runaway past the timeout, and only it
	}
	var others []scoreboard.Slot
	for range 100 {
		s, _ := w.Claim("192.0.2.2:2", "GET", "/ok", 0)
		others = append(others, s)
	}
	src := Board(b)
	seen, err := src.Snapshot(t.Context())
	if err != nil || len(seen) != 101 {
		t.Fatalf("%d requests, %v", len(seen), err)
	}
	c := cfg(func(c *Config) { c.Timeout = config.Duration(250 * time.Millisecond) })
	todo, _ := decide(c, time.Now(), seen, nil)
	var kills []Request
	for _, a := range todo {
		if a.step == kill && a.r.Path == "/drip" {
			kills = append(kills, a.r)
		}
	}
	if len(kills) != 1 {
		t.Fatalf("to kill: %+v", todo)
	}
	if err := src.Kill(t.Context(), kills[0]); err != nil || !runaway.KillAsked() {
		t.Fatalf("the runaway was not asked to end: %v", err)
	}
	for _, s := range others {
		if s.KillAsked() {
			t.Fatalf("request %d was asked to end", s.ID())
		}
	}
	// It ends by itself between the look and another kill, and its slot is used
	// again: the new request is not harmed.
	runaway.Release()
	var next scoreboard.Slot
	for next.Index() != runaway.Index() || next.ID() == 0 {
		next, _ = w.Claim("192.0.2.3:3", "GET", "/next", 0)
	}
	if err := src.Kill(t.Context(), kills[0]); !errors.Is(err, ErrGone) || next.KillAsked() {
		t.Fatalf("kill of a request that is over: %v, its successor asked to end: %v", err, next.KillAsked())
	}
}
