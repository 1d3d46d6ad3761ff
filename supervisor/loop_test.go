package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
)

func TestReadyByUptimeAndHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.start()
		b.is(Starting)
		b.pass(time.Second - time.Millisecond)
		b.is(Starting)
		b.pass(time.Millisecond)
		b.is(Running)
		if !b.Status().Ready {
			t.Fatal("running and not ready")
		}
		b.pass(30*time.Second - time.Millisecond)
		if n := len(event.Of[event.ChildHealthy](b.events)); n != 0 {
			t.Fatalf("%d times healthy too early", n)
		}
		b.pass(time.Millisecond)
		if n := len(event.Of[event.ChildHealthy](b.events)); n != 1 {
			t.Fatalf("%d times healthy, want 1", n)
		}
		b.Stop("test")
		b.ends(0)
		if got := b.lives[0].got; !slices.Equal(got, []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT}) {
			t.Errorf("signals %v", got)
		}
		st := event.Of[event.ChildStopped](b.events)
		if len(st) != 1 || st[0].Cause != event.CauseStop || st[0].Status != "signal TERM" {
			t.Errorf("stopped events: %+v", st)
		}
	})
}

// The budget is refilled by health, not by uptime: lives that never get ready
// go on failing however long they run.
func TestBackoffGrowsAndOnlyHealthResetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) { o.ReadyBy = ReadyByNotify })
		b.start()
		want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
		for i, w := range want {
			b.pass(time.Hour)
			b.lives[i].die(Exit{Code: 1})
			b.is(Waiting)
			b.pass(w - time.Millisecond)
			b.is(Waiting)
			b.pass(time.Millisecond)
			b.is(Starting)
		}
		b.MarkReady(5, "probe")
		b.pass(30 * time.Second)
		b.lives[4].die(Exit{Code: 1})
		b.is(Waiting)
		if got := b.Status(); got.Failures != 1 || time.Until(got.NextTry) != 500*time.Millisecond {
			t.Errorf("after health: %d failures, next try in %s", got.Failures, time.Until(got.NextTry))
		}
		b.finish()
	})
}

func TestUnreadinessStopsTheHealthClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) { o.ReadyBy = ReadyByProbe })
		b.start()
		b.MarkReady(1, "home")
		b.pass(20 * time.Second)
		b.MarkUnready(1, "home failed")
		b.pass(20 * time.Second)
		if st := b.Status(); st.Ready || st.Unready != "home failed" {
			t.Fatalf("status %+v", st)
		}
		b.MarkReady(1, "home")
		b.pass(29 * time.Second)
		if n := len(event.Of[event.ChildHealthy](b.events)); n != 0 {
			t.Fatal("healthy after 29 s of readiness in a row")
		}
		b.pass(time.Second)
		if n := len(event.Of[event.ChildHealthy](b.events)); n != 1 {
			t.Fatal("not healthy after 30 s of readiness in a row")
		}
		b.finish()
	})
}

func TestRestThenSlowRetryForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) { o.Config.RestAfter = 3 })
		b.shape = func(uint64, *fake) error { return fmt.Errorf("launch child: %w", syscall.EAGAIN) }
		b.start()
		b.pass(1500 * time.Millisecond) // 0.5 s and 1 s
		b.is(Resting)
		for i := range 20 {
			b.pass(5*time.Minute - time.Millisecond)
			b.is(Resting)
			b.pass(time.Millisecond)
			b.is(Resting)
			if got := len(event.Of[event.ChildLaunchFailed](b.events)); got != 4+i {
				t.Fatalf("%d launches failed, want %d", got, 4+i)
			}
		}
		b.shape = nil
		b.Restart("operator")
		b.is(Starting)
		b.finish()
	})
}

// Each error of a launch leaves the timer armed.
func TestLaunchErrorsKeepTrying(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOENT, syscall.EACCES, syscall.EAGAIN, syscall.ENOMEM, syscall.ETXTBSY} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.shape = func(n uint64, _ *fake) error {
				if n < 4 {
					return execError("exec", errno)
				}
				return nil
			}
			b.start()
			b.is(Waiting)
			b.pass(500*time.Millisecond + time.Second + 2*time.Second)
			b.is(Starting)
			b.finish()
		})
	}
}

func TestGiveUpExits10(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) { o.Config.RestAfter, o.Config.GiveUpAfter = 0, 3 })
		b.shape = func(_ uint64, f *fake) error { f.die(Exit{Code: 7}); return nil }
		b.start()
		b.pass(1500 * time.Millisecond)
		b.ends(ExitGaveUp)
		if g := event.Of[event.ChildGivenUp](b.events); len(g) != 1 || g[0].Failures != 3 || g[0].Last != "exit 7" {
			t.Errorf("given up: %+v", g)
		}
	})
}

func TestRestartNeverPassesTheExitCodeOn(t *testing.T) {
	for want, x := range map[int]Exit{3: {Code: 3}, 128 + 9: {Signal: syscall.SIGKILL}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.Config.Restart = RestartNever })
			b.start()
			b.lives[0].die(x)
			b.ends(want)
		})
	}
	synctest.Test(t, func(t *testing.T) { // not found
		b := newBench(t, func(o *Options) { o.Config.Restart = RestartNever })
		b.shape = func(uint64, *fake) error { return execError("find x", os.ErrNotExist) }
		b.start()
		b.ends(127)
	})
}

func TestKillAtTheDeadlineAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.shape = func(_ uint64, f *fake) error { f.diesOf, f.ignores = nil, true; return nil }
		b.start()
		b.Stop("test")
		b.is(Stopping)
		b.pass(10*time.Second - time.Millisecond)
		b.is(Stopping)
		b.pass(time.Millisecond)
		b.is(Killing)
		b.pass(5 * time.Second)
		if got := b.lives[0].got; !slices.Equal(got, []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT, syscall.SIGKILL, syscall.SIGKILL}) {
			t.Errorf("signals %v", got)
		}
		b.lives[0].die(Exit{Signal: syscall.SIGKILL})
		b.ends(0)
		if k := event.Of[event.ChildKilled](b.events); len(k) != 1 || k[0].After != 10*time.Second {
			t.Errorf("killed events: %+v", k)
		}
	})
}

func TestCondemnedByTheReadyTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) {
			o.ReadyBy = ReadyByNotify
			o.Config.ReadyTimeout = config.Duration(20 * time.Second)
		})
		b.start()
		b.pass(10 * time.Second)
		b.about(1, func() { b.heard(notice{extend: 15 * time.Second}) })
		b.pass(15*time.Second - time.Millisecond)
		b.is(Starting)
		b.pass(time.Millisecond)
		b.is(Waiting)
		c := event.Of[event.ChildCondemned](b.events)
		if len(c) != 1 || c[0].Guard != "ready_timeout" {
			t.Errorf("condemned: %+v", c)
		}
		b.finish()
	})
}

func TestGuardCondemnsItsLifeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		verdict := make(chan error)
		var mu sync.Mutex
		var seen []uint64
		b := newBench(t, func(o *Options) {
			o.Guards = []Guard{{Name: "probe", Watch: func(ctx context.Context, l Life) error {
				mu.Lock()
				seen = append(seen, l.Number)
				mu.Unlock()
				select {
				case err := <-verdict:
					return err
				case <-ctx.Done():
					return errors.New("a late verdict")
				}
			}}}
		})
		b.start()
		b.pass(2 * time.Second)
		verdict <- errors.New("3 timeouts in a row")
		b.is(Waiting)
		b.condemnLater(1, "late")
		b.pass(500 * time.Millisecond)
		b.is(Starting)
		b.condemnLater(1, "later")
		b.is(Starting)
		b.lives[1].die(Exit{})
		b.pass(time.Second)
		b.is(Starting)
		c := event.Of[event.ChildCondemned](b.events)
		if len(c) != 1 || c[0].Life != 1 || c[0].Reason != "3 timeouts in a row" {
			t.Errorf("condemned: %+v", c)
		}
		mu.Lock()
		if !slices.Equal(seen, []uint64{1, 2, 3}) {
			t.Errorf("guard saw lives %v", seen)
		}
		mu.Unlock()
		b.finish()
	})
}

// condemnLater is a verdict that comes when its life may be over.
func (b *bench) condemnLater(life uint64, reason string) {
	b.about(life, func() { b.condemn("late", reason) })
}

func TestGuardThatPanicsIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		b := newBench(t, func(o *Options) {
			o.Guards = []Guard{{Name: "wild", Watch: func(ctx context.Context, _ Life) error {
				if calls++; calls < 3 {
					panic("boo")
				}
				<-ctx.Done()
				return nil
			}}}
			o.OnEnd = nil
		})
		b.start()
		b.pass(10 * time.Second)
		b.is(Running)
		if p := event.Of[event.GuardPanicked](b.events); len(p) != 2 || p[0].Guard != "wild" || p[0].Value != "boo" {
			t.Errorf("panics: %+v", p)
		}
		b.finish()
	})
}

func TestGuardThatOverstaysCannotStopARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := newBench(t, func(o *Options) {
			o.Guards = []Guard{{Name: "deaf", Watch: func(context.Context, Life) error { <-release; return nil }}}
		})
		b.start()
		b.lives[0].die(Exit{})
		b.is(Sweeping)
		b.pass(guardGrace + 500*time.Millisecond)
		b.is(Starting)
		close(release)
		b.finish()
	})
}

func TestReadinessFallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Supervisor
		told := 0
		b := newBench(t, func(o *Options) {
			o.OnEnd = func(l Life, x Exit) {
				told++
				if st := s.Status(); st.Ready || st.PID != 0 {
					t.Errorf("told of the end while status says %+v", st)
				}
			}
		})
		s = b.Supervisor
		b.shape = func(_ uint64, f *fake) error { f.sweep = 3 * time.Second; return nil }
		b.start()
		b.pass(time.Second)
		b.lives[0].die(Exit{Code: 1})
		b.is(Sweeping)
		if b.Status().Ready || told != 1 {
			t.Error("ready while nothing runs")
		}
		b.finish()
	})
}

func TestNotifyWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) {
			o.ReadyBy = ReadyByNotify
			o.Config.Watchdog = config.Duration(10 * time.Second)
		})
		b.start()
		b.pass(time.Minute) // not ready yet: nothing is expected
		b.is(Starting)
		hear := func(n notice) { b.about(1, func() { b.heard(n) }) }
		hear(notice{ready: true, status: "serving", hasStatus: true})
		b.is(Running)
		if st := b.Status(); st.Text != "serving" || st.ReadyBy != "notify" {
			t.Errorf("status %+v", st)
		}
		for range 5 {
			b.pass(9 * time.Second)
			hear(notice{beat: true})
		}
		b.is(Running)
		b.pass(10*time.Second - time.Millisecond)
		b.is(Running)
		b.pass(time.Millisecond)
		b.is(Waiting)
		if c := event.Of[event.ChildCondemned](b.events); len(c) != 1 || c[0].Guard != "notify_watchdog" {
			t.Errorf("condemned: %+v", c)
		}
		b.finish()
	})
}

// What a quick child says before its launch is known is not lost.
func TestEarlyReadyIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) { o.ReadyBy = ReadyByNotify })
		b.shape = func(uint64, *fake) error {
			b.about(1, func() { b.heard(notice{ready: true}) })
			return nil
		}
		b.start()
		b.is(Running)
		b.finish()
	})
}

// place brings a bench into a state.
var places = map[State]func(b *bench){
	Starting: func(b *bench) { b.start() },
	Running:  func(b *bench) { b.start(); b.MarkReady(1, "test") },
	Stopping: func(b *bench) {
		b.shape = func(_ uint64, f *fake) error { f.diesOf = nil; return nil }
		b.start()
		b.Restart("test")
	},
	Killing: func(b *bench) {
		b.shape = func(_ uint64, f *fake) error { f.diesOf, f.ignores = nil, true; return nil }
		b.start()
		b.Restart("test")
		b.pass(10 * time.Second)
		b.lives[0].mu.Lock()
		b.lives[0].ignores = false // the kernel lets go
		b.lives[0].mu.Unlock()
	},
	Sweeping: func(b *bench) {
		b.shape = func(_ uint64, f *fake) error { f.sweep = time.Hour; return nil }
		b.start()
		b.lives[0].die(Exit{})
	},
	Waiting: func(b *bench) { b.start(); b.lives[0].die(Exit{}) },
	Resting: func(b *bench) {
		b.shape = func(uint64, *fake) error { return syscall.ENOENT }
		b.start()
		b.pass(time.Hour)
	},
	Launching: func(b *bench) {
		block := make(chan struct{})
		time.AfterFunc(3*time.Second, func() { close(block) })
		b.shape = func(uint64, *fake) error { <-block; return nil }
		b.start()
	},
}

func TestStopAndHurryInEveryState(t *testing.T) {
	for _, state := range states {
		place, ok := places[state]
		if !ok {
			if state != Stopped {
				t.Errorf("no test of a stop while %s", state)
			}
			continue
		}
		t.Run("stop/"+string(state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				place(b)
				b.is(state)
				b.Stop("test")
				b.pass(2 * time.Hour)
				b.ends(0)
			})
		})
		t.Run("hurry/"+string(state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				place(b)
				b.is(state)
				at := time.Now()
				b.Hurry()
				if state == Launching || state == Killing {
					b.pass(5 * time.Second) // what the launch takes; the second KILL
				}
				b.ends(0)
				if d := time.Since(at); state != Launching && state != Killing && d != 0 {
					t.Errorf("a hurried stop took %s", d)
				}
			})
		})
	}
}

func TestCancelledContextStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { b.result <- b.Run(ctx) }()
		b.is(Starting)
		cancel()
		b.ends(0)
		b.Stop("again") // does not block after the end
		if err := b.Signal(syscall.SIGHUP); err != ErrNoChild {
			t.Errorf("signal after the end: %v", err)
		}
	})
}

func TestStopOutweighsRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.shape = func(_ uint64, f *fake) error { f.diesOf = nil; return nil }
		b.start()
		b.Restart("test")
		b.Stop("test")
		b.Restart("test")
		b.pass(10 * time.Second)
		b.ends(0)
		if len(b.lives) != 1 {
			t.Errorf("%d lives", len(b.lives))
		}
	})
}

func TestSignalIsForwarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.start()
		if err := b.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if got := b.lives[0].got; !slices.Equal(got, []syscall.Signal{syscall.SIGHUP}) {
			t.Errorf("signals %v", got)
		}
		b.lives[0].die(Exit{})
		b.is(Waiting)
		if err := b.Signal(syscall.SIGHUP); err != ErrNoChild {
			t.Errorf("signal without a child: %v", err)
		}
		b.finish()
	})
}
