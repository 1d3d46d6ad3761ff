package status

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/event"
)

// folded returns the fold of the events.
func folded(t *testing.T, events ...event.Event) *Fold {
	t.Helper()
	var hub event.Hub
	for _, e := range events {
		hub.Emit(e)
	}
	hub.Close()
	f := new(Fold)
	if err := f.Run(t.Context(), hub.Cursor()); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadiness(t *testing.T) {
	up := []event.Event{event.ChildLaunched{Life: 4, PID: 9}, event.ChildReady{Life: 4}}
	for _, tt := range []struct {
		name  string
		then  []event.Event
		ready bool
		state string
		why   string
	}{
		{"ready", nil, true, StateReady, ""},
		{"unready", []event.Event{event.ChildUnready{Life: 4, Reason: "probe home"}}, false, StateUnready, "child is unready: probe home"},
		{"unready then ready", []event.Event{event.ChildUnready{Life: 4}, event.ChildReady{Life: 4}}, true, StateReady, ""},
		{"condemned", []event.Event{event.ChildCondemned{Life: 4, Guard: "watchdog", Reason: "hang"}}, false, StateUnready, "child is unready: condemned by watchdog: hang"},
		{"stopping", []event.Event{event.ChildStopping{Life: 4, Cause: event.CauseAsked}}, false, StateStopping, "child is stopping: asked"},
		{"ready while stopping", []event.Event{event.ChildStopping{Life: 4}, event.ChildReady{Life: 4}}, false, StateStopping, "child is stopping"},
		{"died", []event.Event{event.ChildDied{Life: 4, Status: "signal KILL"}}, false, StateDown, "child is down: signal KILL"},
		{"stopped", []event.Event{event.ChildStopped{Life: 4, Status: "exit 0"}}, false, StateDown, "child is down: exit 0"},
		{"ready after death", []event.Event{event.ChildDied{Life: 4}, event.ChildReady{Life: 4}}, false, StateDown, "child is down"},
		{"next life", []event.Event{event.ChildDied{Life: 4}, event.ChildLaunched{Life: 5}}, false, StateStarting, "child is starting"},
		{"late ready of an old life", []event.Event{event.ChildDied{Life: 4}, event.ChildLaunched{Life: 5}, event.ChildReady{Life: 4}}, false, StateStarting, "child is starting"},
		{"late death of an old life", []event.Event{event.ChildLaunched{Life: 5}, event.ChildReady{Life: 5}, event.ChildDied{Life: 4}}, true, StateReady, ""},
		{"reeve stops", []event.Event{event.ReeveStopping{}}, false, StateReady, "reeve is stopping"},
		{"given up", []event.Event{event.ChildDied{Life: 4}, event.ChildGivenUp{Failures: 3, Last: "exit 1"}}, false, StateGivenUp, "child is given_up: 3 failures; last: exit 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := folded(t, append(up, tt.then...)...)
			s := f.Snapshot()
			if f.Ready() != tt.ready || s.Ready != tt.ready || s.Life.State != tt.state || s.NotReady != tt.why {
				t.Errorf("ready %v, state %s, why %q; want %v, %s, %q", s.Ready, s.Life.State, s.NotReady, tt.ready, tt.state, tt.why)
			}
			code, body := get(f.Readyz())
			wantCode, wantBody := http.StatusOK, "ready\n"
			if !tt.ready {
				wantCode, wantBody = http.StatusServiceUnavailable, tt.why+"\n"
			}
			if code != wantCode || body != wantBody {
				t.Errorf("readyz: %d %q", code, body)
			}
			if code, _ := get(f.Healthz()); code != http.StatusOK {
				t.Errorf("healthz: %d", code)
			}
		})
	}
}

func get(h http.Handler) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code, w.Body.String()
}

func TestTheZeroFoldIsNotReady(t *testing.T) {
	var f Fold
	if s := f.Snapshot(); s.Ready || s.Life.State != StateNone || s.NotReady != "child is none" {
		t.Errorf("%+v", s)
	}
}

func TestReasonIsOneLine(t *testing.T) {
	f := folded(t, event.ChildLaunchFailed{Life: 1, Error: "no such\nfile"})
	if _, body := get(f.Readyz()); strings.Count(body, "\n") != 1 {
		t.Errorf("%q", body)
	}
}

func TestSnapshotKeepsTheLastRecords(t *testing.T) {
	events := []event.Event{event.ReeveStarted{Version: "1.2", Service: "shop", PID: 7}}
	for i := range 2*Kept + 10 {
		events = append(events, event.OrphanReaped{PID: i})
	}
	s := folded(t, events...).Snapshot()
	if len(s.Records) != Kept || s.Records[Kept-1].Seq != uint64(len(events)) {
		t.Fatalf("%d records, last %+v", len(s.Records), s.Records[len(s.Records)-1])
	}
	for i, r := range s.Records {
		if want := uint64(len(events) - Kept + 1 + i); r.Seq != want {
			t.Fatalf("record %d has seq %d, want %d", i, r.Seq, want)
		}
	}
	if s.Counts["orphan_reaped"] != 2*Kept+10 || s.Version != "1.2" || s.Service != "shop" || s.Started.IsZero() {
		t.Errorf("%v %s %s", s.Counts, s.Version, s.Service)
	}
}

func TestIncidentsOpenAndEnd(t *testing.T) {
	f := folded(t, event.DiskLow{Path: "/logs"}, event.PoolEmpty{Pool: "a"}, event.DiskLow{Path: "/logs"},
		event.PoolServing{Pool: "a"}, event.GuardPanicked{Guard: "x"})
	s := f.Snapshot()
	if len(s.Incidents) != 1 {
		t.Fatalf("%+v", s.Incidents)
	}
	if i := s.Incidents[0]; i.Key != "disk_low//logs" || i.Count != 2 || i.Severity != "urgent" || i.Do == "" || i.Text == "" {
		t.Errorf("%+v", i)
	}
}

func TestSnapshotIsACopyAndJSON(t *testing.T) {
	f := folded(t, event.ChildLaunched{Life: 1}, event.ChildLaunched{Life: 2, Program: "nginx"})
	s := f.Snapshot()
	s.Counts["child_launched"] = 99
	s.Records[0].Kind = "x"
	if again := f.Snapshot(); again.Counts["child_launched"] != 2 || again.Records[0].Kind != "child_launched" {
		t.Error("a snapshot changed the fold")
	}
	text, err := json.Marshal(f.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"restarts":1`, `"program":"nginx"`, `"state":"starting"`, `"incidents":[]`, `"ready":false`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

func TestEveryKindFoldsAndMarshals(t *testing.T) {
	var all []event.Event
	for _, d := range event.Declarations() {
		all = append(all, d.Prototype)
	}
	if _, err := json.Marshal(folded(t, all...).Snapshot()); err != nil {
		t.Fatal(err)
	}
}

func TestMissedAndContext(t *testing.T) {
	hub := event.Hub{Size: 2}
	c := hub.Cursor()
	for i := range 5 {
		hub.Emit(event.OrphanReaped{PID: i})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var f Fold
	if err := f.Run(ctx, c); err == nil {
		t.Error("no error of the dead context")
	}
	if s := f.Snapshot(); s.Missed != 3 || len(s.Records) != 2 {
		t.Errorf("missed %d, records %d", s.Missed, len(s.Records))
	}
}

func BenchmarkSnapshot(b *testing.B) {
	var f Fold
	for i := range Kept {
		f.apply(event.Record{Seq: uint64(i), Event: event.MemberDown{Pool: "p", Member: fmt.Sprint(i)}}, 0, true)
	}
	for b.Loop() {
		f.Snapshot()
	}
}
