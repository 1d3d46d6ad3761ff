package metrics

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/reeveproxy/reeve/internal/event"
)

// told returns metrics that have counted the events.
func told(t *testing.T, events ...event.Event) *Metrics {
	t.Helper()
	var hub event.Hub
	m := New("1.2.3")
	for _, e := range events {
		hub.Emit(e)
	}
	hub.Close()
	if err := m.Run(t.Context(), hub.Cursor()); err != nil {
		t.Fatal(err)
	}
	return m
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func want(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\n"+text, "\n"+l+"\n") {
			t.Errorf("no line %q", l)
		}
	}
}

func TestLifeOfAChildInNumbers(t *testing.T) {
	events := []event.Event{
		event.ChildLaunched{Life: 1}, event.ChildReady{Life: 1},
		event.ChildDied{Life: 1}, event.ChildLaunched{Life: 2}, event.ChildReady{Life: 2},
	}
	want(t, scrape(t, told(t, events...)),
		"reeve_child_up 1", "reeve_child_ready 1",
		`reeve_child_restarts_total{cause="exit"} 1`,
		`reeve_child_restarts_total{cause="condemned"} 0`,
		`reeve_events_total{kind="child_launched"} 2`,
		`reeve_events_total{kind="pool_empty"} 0`)

	for name, e := range map[string]event.Event{
		"unready":   event.ChildUnready{Life: 2},
		"condemned": event.ChildCondemned{Life: 2},
		"stopping":  event.ChildStopping{Life: 2},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, scrape(t, told(t, append(events, e)...)), "reeve_child_up 1", "reeve_child_ready 0")
		})
	}
	want(t, scrape(t, told(t, append(events, event.ChildDied{Life: 2})...)), "reeve_child_up 0", "reeve_child_ready 0")
	// News of a life that is over changes nothing.
	want(t, scrape(t, told(t, append(events, event.ChildUnready{Life: 1})...)), "reeve_child_ready 1")
}

func TestRestartCauses(t *testing.T) {
	m := told(t, event.ChildLaunched{Life: 1},
		event.ChildStopped{Life: 1, Cause: event.CauseCondemned}, event.ChildLaunched{Life: 2},
		event.ChildStopped{Life: 2, Cause: event.CauseAsked}, event.ChildLaunched{Life: 3})
	want(t, scrape(t, m), `reeve_child_restarts_total{cause="asked"} 1`,
		`reeve_child_restarts_total{cause="condemned"} 1`, `reeve_child_restarts_total{cause="exit"} 0`)
}

func TestOpenIncidents(t *testing.T) {
	want(t, scrape(t, told(t, event.DiskLow{Path: "/a"}, event.DiskLow{Path: "/b"}, event.DiskLow{Path: "/a"})),
		"reeve_incidents_open 2")
	want(t, scrape(t, told(t, event.DiskLow{Path: "/a"}, event.DiskRecovered{Path: "/a"})), "reeve_incidents_open 0")
}

func TestMissedEventsAreCounted(t *testing.T) {
	hub := event.Hub{Size: 2}
	c := hub.Cursor()
	for range 5 {
		hub.Emit(event.ChildReady{})
	}
	hub.Close()
	m := New("")
	if err := m.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want(t, scrape(t, m), "reeve_events_missed_total 3", `reeve_events_total{kind="child_ready"} 2`)
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var hub event.Hub
	if err := New("").Run(ctx, hub.Cursor()); err == nil {
		t.Error("no error")
	}
}

func TestRegisteredSeries(t *testing.T) {
	m := New("1.2.3")
	m.Gauge("reeve_child_resident_memory_bytes", "Memory of the child's processes", func() float64 { return 42 })
	m.Counter("reeve_turns_total", "Turns of the loop", func() float64 { return 7 })
	m.Collect([]Desc{
		{Name: "reeve_log_lines_total", Help: "Lines of a log, by fate", Counter: true, Labels: []string{"log", "fate"}},
		{Name: "reeve_log_rate", Help: "Bytes per second", Labels: []string{"log"}},
	}, func(emit Emit) {
		emit("reeve_log_lines_total", map[string]string{"log": "stderr", "fate": "written"}, 3)
		emit("reeve_log_lines_total", map[string]string{"log": "stderr", "fate": "dropped"}, 1)
		emit("reeve_log_rate", map[string]string{"log": "a\"b\n"}, 0.5)
	})
	want(t, scrape(t, m), "reeve_child_resident_memory_bytes 42", "reeve_turns_total 7",
		`reeve_log_lines_total{fate="dropped",log="stderr"} 1`, `reeve_log_rate{log="a\"b\n"} 0.5`,
		"# TYPE reeve_turns_total counter", "# TYPE reeve_log_rate gauge")
}

func TestABadReaderCostsItsOwnSeriesOnly(t *testing.T) {
	for name, read := range map[string]func(Emit){
		"panic":      func(Emit) { panic("boom") },
		"undeclared": func(emit Emit) { emit("reeve_other", nil, 1) },
		"label":      func(emit Emit) { emit("reeve_bad", map[string]string{"b": "x"}, 1) },
		"labels":     func(emit Emit) { emit("reeve_bad", nil, 1) },
		"twice": func(emit Emit) {
			emit("reeve_bad", map[string]string{"a": "x"}, 1)
			emit("reeve_bad", map[string]string{"a": "x"}, 2)
		},
		"not UTF-8": func(emit Emit) { emit("reeve_bad", map[string]string{"a": "\xff"}, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			m := New("")
			m.Collect([]Desc{{Name: "reeve_bad", Help: "Bad", Labels: []string{"a"}}}, read)
			m.Gauge("reeve_good", "Good", func() float64 { return 1 })
			want(t, scrape(t, m), "reeve_good 1", "reeve_child_up 0")
		})
	}
}

func TestATakenNamePanicsAtOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New("").Gauge("reeve_child_up", "Again", func() float64 { return 0 })
}

func TestLintIsClean(t *testing.T) {
	m := told(t, event.ChildLaunched{Life: 1})
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 7 {
		t.Fatalf("only %d families", len(families))
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func BenchmarkScrape(b *testing.B) {
	m := New("1.2.3")
	h := m.Handler()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
}
