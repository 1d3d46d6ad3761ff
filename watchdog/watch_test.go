package watchdog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
)

// script is a probe that a test turns up and down.
type script struct {
	name string
	mu   sync.Mutex
	err  error
	hang bool
	boom bool
	asks []time.Time
}

func (p *script) Name() string { return p.name }

func (p *script) Check(ctx context.Context) error {
	p.mu.Lock()
	p.asks = append(p.asks, time.Now())
	err, hang, boom := p.err, p.hang, p.boom
	p.mu.Unlock()
	if boom {
		panic("boom")
	}
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (p *script) set(err error) { p.mu.Lock(); defer p.mu.Unlock(); p.err = err }
func (p *script) asked() int    { p.mu.Lock(); defer p.mu.Unlock(); return len(p.asks) }

var errSick = errors.New("sick")

// bench is a watchdog on scripted probes, in a bubble.
type bench struct {
	t       *testing.T
	w       *Watchdog
	probes  map[string]*script
	rec     *event.Recorder
	mu      sync.Mutex
	told    []string // what the hooks heard
	verdict chan error
	stop    context.CancelFunc
	done    uint64 // Progress
}

func newBench(t *testing.T, cfgs ...ProbeConfig) *bench {
	b := &bench{t: t, probes: map[string]*script{}, rec: &event.Recorder{}}
	for i := range cfgs {
		cfgs[i].Kind, cfgs[i].Command = Exec, []string{"x"} // never built
		b.probes[cfgs[i].Name] = &script{name: cfgs[i].Name}
	}
	hear := func(format string) func(uint64, string) {
		return func(_ uint64, s string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.told = append(b.told, fmt.Sprintf(format, s))
		}
	}
	w, err := New(Config{Probes: cfgs}, b.rec, Hooks{Ready: hear("ready by %s"), Unready: hear("unready: %s")})
	if err != nil {
		t.Fatal(err)
	}
	w.jitter = func(time.Duration) time.Duration { return 0 }
	w.build = func(c ProbeConfig, _ Subject) Probe { return b.probes[c.Name] }
	b.w = w
	return b
}

func (b *bench) watch(s Subject) {
	ctx, cancel := context.WithCancel(b.t.Context())
	b.verdict, b.stop = make(chan error, 1), cancel // the one verdict, which may not be read
	go func() { b.verdict <- b.w.Watch(ctx, s) }()
	synctest.Wait()
}

func (b *bench) counting(s Subject) Subject {
	s.Progress = func() (uint64, bool) { b.mu.Lock(); defer b.mu.Unlock(); return b.done, true }
	return s
}

func (b *bench) complete(n uint64) { b.mu.Lock(); defer b.mu.Unlock(); b.done += n }

func (b *bench) heard(want ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if fmt.Sprint(b.told) != fmt.Sprint(want) {
		b.t.Fatalf("told %q, want %q", b.told, want)
	}
}

// condemned returns the verdict, or nil while there is none.
func (b *bench) condemned() *Condemned {
	b.t.Helper()
	synctest.Wait()
	select {
	case err := <-b.verdict:
		var c *Condemned
		if !errors.As(err, &c) {
			b.t.Fatalf("Watch returned %v", err)
		}
		return c
	default:
		return nil
	}
}

func (b *bench) end() {
	b.t.Helper()
	b.stop()
	if err := <-b.verdict; err != nil {
		b.t.Fatalf("a watch that was ended condemned: %v", err)
	}
	if b.w.Status().Ready {
		b.t.Fatal("a life that is over is ready")
	}
}

func pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

func TestHangIsCondemnedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "live", Period: config.Duration(5 * time.Second), Timeout: config.Duration(2 * time.Second), Fall: 3})
		b.watch(Subject{Life: 4})
		b.heard("ready by live")
		pass(time.Millisecond) // it hangs just after a good answer: the worst case
		p := b.probes["live"]
		p.mu.Lock()
		p.hang = true
		p.mu.Unlock()
		pass(3*5*time.Second + 2*time.Second - 2*time.Millisecond)
		if c := b.condemned(); c != nil {
			t.Fatalf("early: %v", c)
		}
		pass(time.Millisecond)
		c := b.condemned()
		if c == nil || c.Probe != "live" || c.Failures != 3 || c.Last != "no answer within 2s" {
			t.Fatalf("verdict %+v", c)
		}
		b.heard("ready by live", "unready: probe live: no answer within 2s")
		if got := event.Of[event.ProbeFailed](b.rec); len(got) != 1 || got[0].Life != 4 || got[0].Role != "liveness" {
			t.Fatalf("%+v", got)
		}
	})
}

func TestOverloadIsNotCondemned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "live", Fall: 3})
		b.watch(b.counting(Subject{Life: 1}))
		p := b.probes["live"]
		p.set(errSick)
		for range 20 {
			pass(5 * time.Second)
			b.complete(100)
		}
		if c := b.condemned(); c != nil {
			t.Fatalf("a life that completes requests was condemned: %v", c)
		}
		b.heard("ready by live", "unready: probe live: sick")
		if st := b.w.Status(); st.Ready || st.Probes[0].State != Overloaded {
			t.Fatalf("%+v", st)
		}
		if n := len(event.Of[event.ChildOverloaded](b.rec)); n != 1 || len(event.Of[event.ProbeFailed](b.rec)) != 1 {
			t.Fatalf("events %v", b.rec.Events())
		}
		p.set(nil)
		pass(5 * time.Second)
		b.heard("ready by live", "unready: probe live: sick", "ready by live")
		if len(event.Of[event.ProbeRecovered](b.rec)) != 1 {
			t.Fatalf("events %v", b.rec.Events())
		}
		p.set(errSick)
		pass(15 * time.Second) // fails again, and this time nothing is completed
		if b.condemned() == nil {
			t.Fatal("a hang after an overload was not condemned")
		}
	})
}

func TestOverloadThatBecomesAHangIsCondemned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "live", Fall: 2})
		b.watch(b.counting(Subject{}))
		b.probes["live"].set(errSick)
		for range 5 {
			pass(5 * time.Second)
			b.complete(50)
		}
		pass(5 * time.Second)
		if b.condemned() != nil {
			t.Fatal("early")
		}
		pass(5 * time.Second)
		if b.condemned() == nil {
			t.Fatal("it stands still and lives")
		}
	})
}

func TestOneTryLooksForProgressInItsOwnTime(t *testing.T) {
	for _, advances := range []bool{true, false} {
		t.Run(fmt.Sprint(advances), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, ProbeConfig{Name: "live", Fall: 1})
				b.watch(b.counting(Subject{}))
				b.probes["live"].set(errSick) // fails at once, as a refused connection does
				pass(6 * time.Second)
				if advances {
					b.complete(10)
				}
				pass(time.Second)
				if got := b.condemned() != nil; got == advances {
					t.Fatalf("advances %v, condemned %v", advances, got)
				}
				if advances {
					b.end()
				}
			})
		})
	}
}

func TestStartupHoldsTheOthersBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t,
			ProbeConfig{Name: "boot", Role: Startup, Period: config.Duration(time.Second), Timeout: config.Duration(time.Second), Fall: 100},
			ProbeConfig{Name: "live"}, ProbeConfig{Name: "front", Role: Readiness})
		b.probes["boot"].set(errSick)
		b.probes["front"].set(errSick)
		b.watch(Subject{})
		pass(30 * time.Second)
		if n := b.probes["live"].asked() + b.probes["front"].asked(); n != 0 {
			t.Fatalf("asked %d times before the start", n)
		}
		if st := b.w.Status(); st.Probes[0].Failures != 31 || st.Probes[1].State != Waiting {
			t.Fatalf("%+v", st.Probes)
		}
		b.probes["boot"].set(nil)
		pass(time.Second)
		asked := b.probes["boot"].asked()
		b.heard()
		b.probes["front"].set(nil)
		pass(10 * time.Second)
		b.heard("ready by front")
		if b.probes["boot"].asked() != asked {
			t.Fatal("a startup probe asks on after its success")
		}
		b.end()
	})
}

func TestStartupThatFailsCondemns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "boot", Role: Startup}, ProbeConfig{Name: "live"})
		b.probes["boot"].set(errSick)
		b.watch(b.counting(Subject{}))
		b.complete(1000)
		pass(10 * time.Second)
		if c := b.condemned(); c == nil || c.Probe != "boot" {
			t.Fatalf("%v", c)
		}
		b.heard()
	})
}

func TestReadinessNeverCondemns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "a", Role: Readiness, Rise: 2}, ProbeConfig{Name: "b", Role: Readiness})
		b.watch(Subject{})
		b.heard()
		pass(5 * time.Second)
		b.heard("ready by a")
		b.probes["b"].set(errSick)
		pass(time.Hour)
		b.heard("ready by a", "unready: probe b: sick")
		b.probes["b"].set(nil)
		pass(5 * time.Second)
		b.heard("ready by a", "unready: probe b: sick", "ready by b")
		b.end()
	})
}

func TestDelayCountsFromTheLaunch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "live", Delay: config.Duration(time.Minute)})
		b.watch(Subject{Started: time.Now().Add(-20 * time.Second)})
		pass(40*time.Second - time.Millisecond)
		if b.probes["live"].asked() != 0 {
			t.Fatal("asked before its delay")
		}
		pass(time.Millisecond)
		if b.probes["live"].asked() != 1 {
			t.Fatal("not asked after its delay")
		}
		b.end()
	})
}

func TestCountsDieWithTheLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "live", Fall: 3})
		b.probes["live"].set(errSick)
		b.watch(Subject{Life: 1})
		pass(9 * time.Second) // two failures
		b.end()
		b.watch(Subject{Life: 2})
		pass(9 * time.Second) // two more
		if c := b.condemned(); c != nil {
			t.Fatalf("a life was condemned by another's failures: %v", c)
		}
		if st := b.w.Status(); st.Life != 2 || st.Probes[0].Failures != 2 {
			t.Fatalf("%+v", st)
		}
		b.end()
	})
}

func TestPanicOfAProbeCondemnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, ProbeConfig{Name: "live", Fall: 1})
		b.probes["live"].boom = true
		b.watch(Subject{Progress: func() (uint64, bool) { panic("unmapped") }})
		pass(time.Minute)
		if c := b.condemned(); c != nil {
			t.Fatal(c)
		}
		if got := event.Of[event.GuardPanicked](b.rec); len(got) != 1 || got[0].Guard != "probe live" {
			t.Fatalf("told %+v", got)
		}
		b.end()
	})
}

func TestNoProbesWatchNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.watch(Subject{})
		pass(time.Hour)
		b.heard()
		if b.w.JudgesReadiness() {
			t.Fatal("nobody would say that it is ready")
		}
		b.end()
	})
}
