package rotate

import "time"

// A civil time is what a wall clock shows. It is kept as a time.Time in UTC, so
// that arithmetic on it knows no change of clocks.

// span is a stretch of time in which a zone keeps one offset from UTC.
type span struct {
	start, end time.Time // [start, end); zero where it has no start or no end
	offset     time.Duration
}

// spanAt returns the span that holds t, which is in the zone.
func spanAt(t time.Time) span {
	_, seconds := t.Zone()
	start, end := t.ZoneBounds()
	// For years past a zone's table the standard library ends the last span of
	// a leap year a day early, before the time that was asked for.
	if !end.IsZero() && !end.After(t) {
		end = t.Add(24 * time.Hour)
	}
	return span{start: start, end: end, offset: time.Duration(seconds) * time.Second}
}

// civil is what a clock with the span's offset shows.
func (p span) civil(t time.Time) time.Time { return t.UTC().Add(p.offset) }

// instant is when a clock with the span's offset shows c.
func (p span) instant(c time.Time, zone *time.Location) time.Time { return c.Add(-p.offset).In(zone) }

// maxShift is the widest change of clocks ever made, with room: a day, by
// places that moved across the date line.
const maxShift = 48 * time.Hour

// highWater is the latest time that the clock has shown up to t. After a clock
// was put back it is ahead of what the clock shows.
func highWater(t time.Time) time.Time {
	now := spanAt(t)
	high := now.civil(t)
	for p := now; !p.start.IsZero() && t.Sub(p.start) < maxShift; {
		before := p.start.Add(-1) // the last instant of the span before
		p = spanAt(before)
		if c := p.civil(before); c.After(high) {
			high = c
		}
	}
	return high
}

// nextCivil is the first instant after t at which the clock has reached a
// matching time that it had not reached at t. That is the rule of Schedule for
// gaps and pairs, in one sentence.
func (s *Schedule) nextCivil(t time.Time) time.Time {
	want := s.nextMatch(highWater(t))
	for p := spanAt(t); ; p = spanAt(p.end) {
		at := p.instant(want, s.zone)
		if p.end.IsZero() || at.Before(p.end) {
			if at.Before(p.start) {
				return p.start.In(s.zone) // the clock jumped over it
			}
			return at
		}
	}
}

// nextElapsed is the first instant after t at which the clock shows a matching
// time, shown before or not.
func (s *Schedule) nextElapsed(t time.Time) time.Time {
	p := spanAt(t)
	from := p.civil(t)
	for {
		at := p.instant(s.nextMatch(from), s.zone)
		if p.end.IsZero() || at.Before(p.end) {
			return at
		}
		p = spanAt(p.end)
		from = p.civil(p.start).Add(-1)
	}
}

// nextMatch is the first matching civil time after c. The library looks five
// years ahead, which misses 29 February around a century that has none.
func (s *Schedule) nextMatch(c time.Time) time.Time {
	for range 8 {
		if m := s.cron.Next(c); !m.IsZero() {
			return m
		}
		c = time.Date(c.Year()+4, time.January, 1, 0, 0, 0, 0, time.UTC).Add(-1)
	}
	// readFields refuses every spec without a valid day, so this is not reached.
	return c.AddDate(100, 0, 0)
}
