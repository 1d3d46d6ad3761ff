package rotate

import (
	"context"
	"time"
)

// maxNap bounds the sleep of the schedule: timers stand still while the machine
// sleeps and know nothing of a clock that is set, so the clock is read anew at
// least this often.
const maxNap = 15 * time.Second

// alarm is the next run of one log's schedules.
type alarm struct {
	all  []*Schedule
	next time.Time // zero: not known yet, or never
}

// poll reports whether a run is due. Runs that were missed together are one.
func (a *alarm) poll(now time.Time) (due bool) {
	due = !a.next.IsZero() && !now.Before(a.next)
	if next := NextOf(a.all, now); due || a.next.IsZero() || next.Before(a.next) {
		a.next = next // the last case: the clock was set back
	}
	return due
}

// nap is how long to sleep at most until the earliest of the alarms.
func nap(now time.Time, alarms []*alarm) time.Duration {
	d := maxNap
	for _, a := range alarms {
		if !a.next.IsZero() {
			d = min(d, a.next.Sub(now))
		}
	}
	return max(d, time.Millisecond)
}

// turnOnTime turns logs by their schedules until ctx ends.
func (k *Keeper) turnOnTime(ctx context.Context) error {
	var alarms []*alarm
	owner := map[*alarm]*log{}
	for _, l := range k.logs {
		if len(l.set.schedules) > 0 {
			a := &alarm{all: l.set.schedules}
			alarms, owner[a] = append(alarms, a), l
		}
	}
	if len(alarms) == 0 {
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now := time.Now().Round(0) // the wall clock alone
		for _, a := range alarms {
			if a.poll(now) {
				l := owner[a]
				l.order(l.request("schedule", now))
			}
		}
		timer.Reset(nap(time.Now().Round(0), alarms))
	}
}
