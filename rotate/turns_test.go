package rotate

import (
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

func TestAnAlarmFollowsTheWallClock(t *testing.T) {
	s, err := ParseSchedule("0 * * * *", time.UTC)
	must(t, err)
	a := &alarm{all: []*Schedule{s}}
	at := func(hour, minute int) time.Time { return time.Date(2026, 1, 1, hour, minute, 0, 0, time.UTC) }
	steps := []struct {
		what string
		now  time.Time
		due  bool
		next time.Time
	}{
		{"start", at(10, 30), false, at(11, 0)},
		{"before", at(10, 59), false, at(11, 0)},
		{"on time", at(11, 0), true, at(12, 0)},
		{"not twice", at(11, 0), false, at(12, 0)},
		{"after hours of sleep, once", at(15, 20), true, at(16, 0)},
		{"then not again", at(15, 21), false, at(16, 0)},
		{"set back", at(13, 10), false, at(14, 0)},
		{"and on", at(14, 0), true, at(15, 0)},
	}
	for _, step := range steps {
		if due := a.poll(step.now); due != step.due || !a.next.Equal(step.next) {
			t.Fatalf("%s: due %v next %v, want %v %v", step.what, due, a.next, step.due, step.next)
		}
		if d := nap(step.now, []*alarm{a}); d <= 0 || d > maxNap {
			t.Fatalf("%s: nap of %v", step.what, d)
		}
	}
	if d := nap(at(15, 0).Add(-time.Second), []*alarm{a}); d != time.Second {
		t.Fatalf("a second before: nap of %v", d)
	}
}

func TestALogTurnsOnSchedule(t *testing.T) {
	c := testConfig(t)
	c.Schedule = []string{"0 0 1 1 *", "* * * * * *"}
	must(t, c.Validate())
	r := start(t, c)
	if next := r.Status()[0].Next; next.IsZero() || time.Until(next) > 2*time.Second {
		t.Fatalf("next is %v", next)
	}
	r.write("on time\n")
	e := awaitEvent[event.LogRotated](t, &r.events, nil)
	if e.Reason != "schedule" || e.Bytes != 8 {
		t.Fatalf("%+v", e)
	}
}
