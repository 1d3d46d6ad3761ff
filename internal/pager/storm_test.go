package pager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
)

func TestAStormOfIncidentsIsOneDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := hook("ops")
		rc.Budget = BudgetConfig{PerMinute: 2, PerHour: 60}
		h := open(t, Options{Config: Config{Receivers: []ReceiverConfig{rc}}})
		for i := range 20 {
			h.hub.Emit(event.PoolEmpty{Pool: fmt.Sprint(i)})
			synctest.Wait()
		}
		if n := len(h.wire.to("ops.test")); n != 2 {
			t.Errorf("%d posts in the first minute, want the budget of 2", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		got := h.wire.to("ops.test")
		if len(got) != 3 {
			t.Fatalf("%d posts, want 3", len(got))
		}
		if p := pageOf(t, got[2]); len(p.Also) != 17 {
			t.Errorf("digest carries %d more, want 17", len(p.Also))
		}
		if n := len(event.Of[event.PageSent](h.events)); n != 20 {
			t.Errorf("%d pages sent, want 20", n)
		}
		h.close(t)
	})
}

func TestThePagesThatWaitAreBoundedAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		w.set("ops.test", down)
		h := open(t, Options{Transport: w, Config: Config{
			Receivers: []ReceiverConfig{hook("ops")}, SpoolMax: 3,
			MaxAge: config.Duration(time.Hour), Repeat: config.Duration(100 * time.Hour),
		}})
		for i := range 5 {
			h.hub.Emit(event.PoolEmpty{Pool: fmt.Sprint(i)})
			synctest.Wait()
			time.Sleep(time.Second)
		}
		dropped := event.Of[event.PageDropped](h.events)
		if len(dropped) != 2 || dropped[0].Incident != "reeve/h1/shop/pool_empty/0" || dropped[0].Reason != "the spool is full" {
			t.Errorf("dropped %+v, want the two oldest", dropped)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		dropped = event.Of[event.PageDropped](h.events)
		if s := h.pager.Status().Receivers[0]; len(dropped) != 5 || s.Waiting != 0 || s.Dropped != 5 || !strings.Contains(dropped[4].Reason, "older than 1h") {
			t.Errorf("dropped %+v, status %+v", dropped, s)
		}
		h.close(t)
	})
}

// One alert that an Alertmanager refuses must not take the others with it.
func TestARefusedBatchIsTriedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		w.set("am.test", down)
		h := open(t, Options{Transport: w, Config: Config{Receivers: []ReceiverConfig{{Name: "am", Kind: KindAlertmanager, URL: "http://am.test"}}}})
		for _, pool := range []string{"good", "bad", "fine"} {
			h.hub.Emit(event.PoolEmpty{Pool: pool})
		}
		synctest.Wait()
		var mu sync.Mutex
		w.set("am.test", func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			got := w.to("am.test")
			if bytes.Contains([]byte(got[len(got)-1].body), []byte("bad")) {
				return reply(400, "bad label"), nil
			}
			return reply(200, ""), nil
		})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if d := event.Of[event.PageDropped](h.events); len(d) != 1 || !strings.HasSuffix(d[0].Incident, "/bad") {
			t.Errorf("dropped %+v", d)
		}
		if n := len(event.Of[event.PageSent](h.events)); n != 2 {
			t.Errorf("%d sent, want 2", n)
		}
		h.close(t)
	})
}

func TestTheEndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		w.set("slow.test", func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		h := open(t, Options{Transport: w, Config: Config{Receivers: []ReceiverConfig{hook("slow"), hook("ops")}}})
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		h.hub.Emit(event.ReeveStopped{})
		begin := time.Now()
		h.close(t)
		if took := time.Since(begin); took != DefaultFlush {
			t.Errorf("Run ended %s after the hub, want %s", took, DefaultFlush)
		}
		if n := len(w.to("ops.test")); n != 1 {
			t.Errorf("the living receiver got %d posts", n)
		}
	})
}

func TestPanicsOfTheHouseCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{
			Config:   Config{Receivers: []ReceiverConfig{hook("ops")}},
			Evidence: func() map[string]string { panic("no evidence") },
		})
		h.wire.set("ops.test", func(*http.Request) (*http.Response, error) { panic("transport") })
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		synctest.Wait()
		h.wire.set("ops.test", nil)
		h.hub.Emit(event.DiskLow{Path: "/"})
		synctest.Wait()
		if n := len(event.Of[event.GuardPanicked](h.events)); n != 2 {
			t.Errorf("%d panics told, want 2 of the evidence", n)
		}
		if d := event.Of[event.PageDropped](h.events); len(d) != 1 || !strings.Contains(d[0].Reason, "panic: transport") {
			t.Errorf("dropped %+v", d)
		}
		if n := len(event.Of[event.PageSent](h.events)); n != 1 {
			t.Errorf("%d sent, want the second page", n)
		}
		h.close(t)
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	p, err := New(Options{Service: "s", Config: Config{Receivers: []ReceiverConfig{hook("ops")}}, Transport: &wire{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var hub event.Hub
	if err := p.Run(ctx, hub.Cursor()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A new configuration: one pager ends, the next goes on after its last record,
// with the incidents that are open.
func TestANewConfigurationTakesOver(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var hub event.Hub
		w := &wire{}
		ctx, stop := context.WithCancel(t.Context())
		run := func(ctx context.Context, continues bool, after uint64) (*Pager, chan error) {
			p, err := New(Options{Dir: dir, Service: "shop", Host: "h1", Transport: w, Config: opsConfig(), Continues: continues})
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1) // Run's result
			go func() { done <- p.Run(ctx, hub.CursorAfter(after)) }()
			synctest.Wait()
			return p, done
		}
		old, done := run(ctx, false, 0)
		hub.Emit(event.DiskLow{Path: "/logs"})
		synctest.Wait()
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) || old.LastSeq() != 1 {
			t.Fatalf("%v, last %d", err, old.LastSeq())
		}
		hub.Emit(event.PoolEmpty{Pool: "a"}) // while nobody reads
		_, done = run(t.Context(), true, old.LastSeq())
		time.Sleep(half)
		synctest.Wait()
		var got []string
		for _, p := range w.to("ops.test") {
			page := pageOf(t, p)
			got = append(got, page.State+" "+page.Kind)
		}
		expect(t, "pages", got, "firing disk_low", "firing pool_empty", "firing disk_low", "firing pool_empty")
		hub.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
