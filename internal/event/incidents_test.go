package event

import (
	"fmt"
	"testing"
	"time"
)

func at(sec int, e Event) Record {
	return Record{Time: time.Unix(int64(sec), 0), Event: e}
}

func TestIncidentsOpenUpdateEnd(t *testing.T) {
	var in Incidents
	c := in.Apply(at(1, DiskLow{Path: "/a"}))
	if c.Told == nil || !c.New || c.Told.Count != 1 || c.Told.ID.String() != "disk_low//a" {
		t.Fatalf("open: %+v", c)
	}
	c = in.Apply(at(2, DiskLow{Path: "/a"}))
	if c.New || c.Told.Count != 2 || !c.Told.Since.Equal(time.Unix(1, 0)) || !c.Told.Updated.Equal(time.Unix(2, 0)) {
		t.Fatalf("update: %+v", c.Told)
	}
	in.Apply(at(3, DiskFull{Path: "/a"}))
	in.Apply(at(4, DiskLow{Path: "/b"}))
	if in.Len() != 3 {
		t.Fatalf("%d open, want 3", in.Len())
	}
	if c = in.Apply(at(5, DiskRecovered{Path: "/a"})); len(c.Ended) != 2 || c.Told != nil {
		t.Fatalf("recovered: %+v", c)
	}
	if open := in.Open(); len(open) != 1 || open[0].ID.Subject != "/b" {
		t.Fatalf("left: %+v", open)
	}
}

func TestIncidentsEndsAll(t *testing.T) {
	var in Incidents
	in.Apply(at(1, LimitMismatched{Limit: "as"}))
	in.Apply(at(2, LimitMismatched{Limit: "nofile"}))
	in.Apply(at(3, ChildGivenUp{}))
	if c := in.Apply(at(4, ChildHealthy{})); len(c.Ended) != 3 || in.Len() != 0 {
		t.Fatalf("ended %+v, %d left", c.Ended, in.Len())
	}
}

func TestIncidentThatNothingEndsIsToldNotOpen(t *testing.T) {
	var in Incidents
	if c := in.Apply(at(1, GuardPanicked{})); c.Told == nil || !c.New || in.Len() != 0 {
		t.Fatalf("%+v, %d open", c, in.Len())
	}
	if c := in.Apply(at(2, ChildDied{})); c.Told != nil {
		t.Fatalf("one death pages: %+v", c)
	}
}

func TestIncidentsAreBounded(t *testing.T) {
	var in Incidents
	for i := range MaxOpen + 10 {
		in.Apply(at(i+1, PoolEmpty{Pool: fmt.Sprint(i)}))
	}
	if in.Len() != MaxOpen {
		t.Fatalf("%d open, limit %d", in.Len(), MaxOpen)
	}
	if c := in.Apply(at(5000, PoolServing{Pool: "0"})); len(c.Ended) != 0 {
		t.Fatal("the oldest was not the one that made room")
	}
}
