package rotate

import (
	"errors"
	"time"
)

// Schedule says when a log turns.
type Schedule struct{ spec string }

// ParseSchedule reads a cron expression of 5 or 6 fields (seconds first), a
// descriptor such as @daily, or "@every 90m", after an optional TZ= or
// CRON_TZ= prefix. The zone (nil: time.Local) is that of specs without a prefix.
func ParseSchedule(spec string, zone *time.Location) (*Schedule, error) {
	return nil, errors.New("not read yet")
}

// Next returns the first run after a time, in the schedule's zone.
func (s *Schedule) Next(after time.Time) time.Time { return time.Time{} }

// String is the spec as it was given, without surrounding blanks.
func (s *Schedule) String() string { return s.spec }

// Warn is a sentence about a spec that is valid but probably not what was
// meant; "" for most.
func (s *Schedule) Warn() string { return "" }

// NextOf returns the earliest Next of several schedules; the zero time where
// there are none.
func NextOf(all []*Schedule, after time.Time) time.Time { return time.Time{} }
