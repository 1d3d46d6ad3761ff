package scoreboard

import (
	"testing"
	"time"
)

func TestClaimIsSeenWhole(t *testing.T) {
	b, err := Create(64)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w := NewWriter(b)
	s, ok := w.Claim("192.0.2.1:4711", "GET", "/a/b.cgi", time.Minute)
	if !ok {
		t.Fatal("no slot on an empty board")
	}
	s.SetMember("www5")
	s.SetBytes(17)
	got := b.Snapshot(nil)
	if len(got) != 1 {
		t.Fatalf("snapshot has %d requests, want 1", len(got))
	}
	r := got[0]
	if r.Client != "192.0.2.1:4711" || r.Method != "GET" || r.Path != "/a/b.cgi" || r.Member != "www5" || r.Bytes != 17 || r.Limit != time.Minute {
		t.Fatalf("snapshot = %+v", r)
	}
	if b.Kill(r.Slot, r.ID+1) || s.KillAsked() {
		t.Fatal("a kill that names another request reached this one")
	}
	if !b.Kill(r.Slot, r.ID) || !s.KillAsked() {
		t.Fatal("the kill did not arrive")
	}
	if due := w.Overdue(nil); len(due) != 1 || !due[0].Killed {
		t.Fatalf("overdue = %+v", due)
	}
	s.Release()
	if len(b.Snapshot(nil)) != 0 || b.Started() != 1 || b.Completed() != 1 {
		t.Fatal("release did not free the slot")
	}
}
