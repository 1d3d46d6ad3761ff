package rotate

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/reeveproxy/reeve/internal/config"
)

// Schedule says when a log turns. It is safe for concurrent use.
//
// Where clocks change, two rules hold.
//
// A spec whose hour field does not name all hours is read on the wall clock.
// What falls into a gap (the clock jumps over it) runs at the first instant
// after the gap, once however many runs fall into it; what falls into an hour
// that happens twice runs in the first. So "30 2 * * *", "@daily" and
// "0 */6 * * *" neither miss a run nor repeat one, also where a day has no
// midnight. (Where the gap ends a day, as in Nuuk, where 23:00 becomes 0:00, the
// run of that day comes at the first instant of the next.)
//
// A spec for all hours ("*/15 * * * *", "@hourly") keeps real time: it runs
// whenever the clock shows a matching time, so a run each quarter of an hour
// stays one through both hours of a pair.
//
// "@every 90m" counts from the time given to Next and knows no clock at all.
type Schedule struct {
	spec  string
	zone  *time.Location
	cron  cron.Schedule // on a clock without zone: its times are civil times marked UTC
	every bool
	hours bool // all hours: keep real time
	warn  string
}

// maxSpec is far beyond any honest spec: 60 listed minutes take 170 bytes.
const maxSpec = 1024

// Bounds of @every. Shorter is a busy loop; longer never comes, because the
// count begins anew with each start.
const (
	minEvery = time.Second
	maxEvery = 366 * 24 * time.Hour
)

// ParseSchedule reads a cron expression of 5 or 6 fields (seconds first), a
// descriptor (@hourly, @daily, @midnight, @weekly, @monthly, @yearly,
// @annually) or "@every 90m", after an optional "TZ=Europe/Paris " or
// "CRON_TZ=Europe/Paris ". The zone (nil: time.Local) is that of specs without
// a prefix.
//
// Sunday is 0 or 7, names of months and days have three letters, and ranges may
// wrap around (fri-mon, 22-2). Where both the day of the month and the day of
// the week are restricted, either suffices. Refused is all that could not run,
// or would not run as it reads.
func ParseSchedule(spec string, zone *time.Location) (*Schedule, error) {
	if zone == nil {
		zone = time.Local
	}
	text := strings.TrimSpace(spec)
	s, err := parseSchedule(text, zone)
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", quoteSpec(text), err)
	}
	return s, nil
}

func parseSchedule(text string, zone *time.Location) (s *Schedule, err error) {
	// The library has panicked on malformed specs before; one more such spec
	// must not end the program.
	defer func() {
		if v := recover(); v != nil {
			s, err = nil, fmt.Errorf("internal error: %v", v)
		}
	}()
	if text == "" {
		return nil, fmt.Errorf("is empty; a daily one is \"0 0 * * *\"")
	}
	if len(text) > maxSpec {
		return nil, fmt.Errorf("has %d bytes, limit %d", len(text), maxSpec)
	}
	rest, zone, prefixed, err := cutZone(text, zone)
	if err != nil {
		return nil, err
	}
	if every, ok := cutWord(rest, "@every"); ok {
		if prefixed {
			return nil, fmt.Errorf("@every counts elapsed time: a time zone means nothing to it")
		}
		return parseEvery(text, every, zone)
	}
	f, err := readFields(rest)
	if err != nil {
		return nil, err
	}
	c, err := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).
		Parse("CRON_TZ=UTC " + f.text())
	if err != nil {
		return nil, err
	}
	s = &Schedule{spec: text, zone: zone, cron: c, hours: f.allHours(), warn: f.warn()}
	return s, nil
}

func parseEvery(text, every string, zone *time.Location) (*Schedule, error) {
	var d config.Duration
	if every == "" || d.UnmarshalText([]byte(every)) != nil {
		return nil, fmt.Errorf("%s is not a duration like 90m, 12h or 7d", quoteSpec(every))
	}
	switch {
	case d.Std() < minEvery:
		return nil, fmt.Errorf("every %s is shorter than %s", every, minEvery)
	case d.Std() > maxEvery:
		return nil, fmt.Errorf("every %s is longer than 366 days", every)
	case d.Std()%time.Second != 0:
		return nil, fmt.Errorf("every %s is not a whole number of seconds", every)
	}
	return &Schedule{spec: text, zone: zone, cron: cron.Every(d.Std()), every: true}, nil
}

// cutZone takes the zone's prefix off.
func cutZone(text string, zone *time.Location) (rest string, z *time.Location, prefixed bool, err error) {
	after, ok := strings.CutPrefix(text, "CRON_TZ=")
	if !ok {
		after, ok = strings.CutPrefix(text, "TZ=")
	}
	if !ok {
		return text, zone, false, nil
	}
	end := strings.IndexAny(after, " \t")
	switch {
	case after == "" || end == 0:
		return "", nil, true, fmt.Errorf("names no time zone after TZ=")
	case end < 0:
		return "", nil, true, fmt.Errorf("has nothing after the time zone %s", quoteSpec(after))
	}
	z, err = time.LoadLocation(after[:end])
	if err != nil {
		return "", nil, true, fmt.Errorf("%s is not a time zone known here", quoteSpec(after[:end]))
	}
	return strings.TrimSpace(after[end:]), z, true, nil
}

// quoteSpec keeps a spec that may be anything printable and short.
func quoteSpec(s string) string {
	if len(s) > 80 {
		return fmt.Sprintf("%.80q...", s)
	}
	return fmt.Sprintf("%q", s)
}

// Next returns the first run after a time, in the schedule's zone. It is never
// the zero time.
func (s *Schedule) Next(after time.Time) time.Time {
	after = after.Round(0) // runs follow the wall clock, not the monotonic one
	switch {
	case s.every:
		return s.cron.Next(after).In(s.zone)
	case s.hours:
		return s.nextElapsed(after.In(s.zone))
	default:
		return s.nextCivil(after.In(s.zone))
	}
}

// String is the spec as it was given, without surrounding blanks.
func (s *Schedule) String() string { return s.spec }

// Zone is where the spec's times are read.
func (s *Schedule) Zone() *time.Location { return s.zone }

// Warn is a sentence about a spec that is valid but probably not what was
// meant; "" for most.
func (s *Schedule) Warn() string { return s.warn }

// NextOf returns the earliest Next of several schedules; the zero time where
// there are none.
func NextOf(all []*Schedule, after time.Time) time.Time {
	var first time.Time
	for _, s := range all {
		if t := s.Next(after); first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}
