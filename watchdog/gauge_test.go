package watchdog

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
)

// dial is an instrument that a test turns.
type dial struct {
	mu sync.Mutex
	u  Usage
}

func (d *dial) read(_ context.Context, at time.Time) Usage {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.u
	u.At = at
	return u
}

func (d *dial) set(u Usage) { d.mu.Lock(); defer d.mu.Unlock(); d.u = u }

func newGaugeBench(t *testing.T, conditions ...ConditionConfig) (*Watchdog, *dial, *event.Recorder) {
	t.Helper()
	c := config.Default[Config]()
	c.Conditions = conditions
	rec, d := &event.Recorder{}, &dial{u: Usage{Processes: 1, MemTotal: 1}}
	w, err := New(c, rec, Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	w.read = func(Subject) gauges { return d }
	return w, d, rec
}

func gaugeLife(t *testing.T, w *Watchdog, s Subject) (verdict chan error, stop context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	verdict = make(chan error, 1) // the one verdict, which may not be read
	go func() { verdict <- w.Gauge(ctx, s) }()
	synctest.Wait()
	return verdict, cancel
}

func TestGaugePagesAndClears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d, rec := newGaugeBench(t)
		verdict, stop := gaugeLife(t, w, Subject{Life: 1})
		d.set(Usage{Processes: 1, MemTotal: 1, FDShare: 95})
		pass(14 * time.Second) // readings at 5 and 10: 5 s in all
		if len(rec.Events()) != 0 {
			t.Fatalf("early: %v", rec.Events())
		}
		pass(time.Second)
		want := event.ConditionRaised{Condition: "fd_share", Metric: "child.fd_share", Value: 95, Limit: 90, Action: "page"}
		if got := event.Of[event.ConditionRaised](rec); len(got) != 1 || got[0] != want {
			t.Fatalf("%+v", got)
		}
		if st := w.Status(); !st.Conditions[0].Raised || st.Usage.FDShare != 95 || st.Conditions[0].Since.IsZero() {
			t.Fatalf("%+v", st)
		}
		d.set(Usage{Processes: 1, MemTotal: 1, FDShare: 50})
		pass(15 * time.Second)
		if n := len(event.Of[event.ConditionCleared](rec)); n != 1 {
			t.Fatalf("cleared %d times", n)
		}
		stop()
		if err := <-verdict; err != nil {
			t.Fatalf("a condition that pages condemned: %v", err)
		}
	})
}

func TestGaugeCondemns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak := ConditionConfig{Name: "leak", Metric: "child.rss", Value: "200MiB", For: config.Duration(10 * time.Second), Action: Restart}
		w, d, rec := newGaugeBench(t, leak)
		d.set(Usage{Processes: 1, RSS: 300 << 20})
		for life := uint64(1); life <= 2; life++ { // the second is judged anew
			verdict, _ := gaugeLife(t, w, Subject{Life: life})
			pass(14 * time.Second)
			select {
			case err := <-verdict:
				t.Fatalf("life %d, early: %v", life, err)
			default:
			}
			pass(time.Second)
			var c *Condemned
			if err := <-verdict; !errors.As(err, &c) || c.Error() != "condition leak: child.rss is 300MiB, limit > 200MiB for 10s" {
				t.Fatalf("verdict %v", err)
			}
			raised, cleared := event.Of[event.ConditionRaised](rec), event.Of[event.ConditionCleared](rec)
			if len(raised) != int(life) || len(cleared) != int(life) {
				t.Fatalf("raised %d times, cleared %d: an incident stays open after its life", len(raised), len(cleared))
			}
			if st := w.Status(); st.Usage.RSS != 0 {
				t.Fatalf("the usage of a dead life is shown: %+v", st.Usage)
			}
		}
	})
}

func TestHostConditionsGoOnFromLifeToLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d, rec := newGaugeBench(t)
		d.set(Usage{MemTotal: 1, SwapIn: 5 << 20})
		verdict, stop := gaugeLife(t, w, Subject{Life: 1})
		pass(time.Minute)
		stop()
		<-verdict
		verdict, stop = gaugeLife(t, w, Subject{Life: 2})
		pass(time.Minute)
		if r, c := len(event.Of[event.ConditionRaised](rec)), len(event.Of[event.ConditionCleared](rec)); r != 1 || c != 0 {
			t.Fatalf("raised %d, cleared %d: a restart of the child is no news of the host", r, c)
		}
		stop()
		<-verdict
	})
}

func TestRestartsAndRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, rec := newGaugeBench(t,
			ConditionConfig{Metric: "restarts", Op: ">=", Value: "3", For: config.Duration(30 * time.Second)},
			ConditionConfig{Metric: "requests.in_flight", Value: "1000", For: config.Duration(30 * time.Second)})
		s := Subject{InFlight: func() (uint64, bool) { return 2000, true }}
		for s.Life = 1; s.Life <= 4; s.Life++ {
			if got := len(event.Of[event.ConditionRaised](rec)); s.Life == 4 && got != 0 {
				t.Fatalf("raised %+v", event.Of[event.ConditionRaised](rec))
			}
			verdict, stop := gaugeLife(t, w, s)
			pass(30 * time.Second)
			if s.Life == 4 {
				pass(10 * time.Second)
			}
			stop()
			<-verdict
		}
		got := event.Of[event.ConditionRaised](rec)
		if len(got) != 2 || got[0].Condition != "restarts" || got[0].Value != 3 || got[1].Value != 2000 {
			t.Fatalf("%+v", got)
		}
		// An hour later they are forgotten.
		s = Subject{Life: 4, InFlight: func() (uint64, bool) { panic("unmapped") }}
		verdict, stop := gaugeLife(t, w, s)
		pass(2 * time.Hour)
		st := w.Status()
		if st.Conditions[2].Value != 0 || st.Conditions[2].Raised || st.Conditions[3].Known {
			t.Fatalf("%+v", st.Conditions)
		}
		stop()
		<-verdict
	})
}
