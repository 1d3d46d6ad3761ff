package rotate

import "time"

// Level is how alarming the growth of one log is.
type Level int

const (
	LevelCalm  Level = iota // nothing unusual
	LevelWatch              // grows much faster than usual
	LevelStorm              // grows like an emergency
)

// String is "calm", "watch" or "storm".
func (l Level) String() string {
	switch l {
	case LevelCalm:
		return "calm"
	case LevelWatch:
		return "watch"
	default:
		return "storm"
	}
}

// Sample is one reading of a log, taken each second and after every 8 MiB.
type Sample struct {
	Now      time.Time
	Bytes    uint64  // that ever came in; a smaller number than before restarts the count
	Lines    uint64  // that ever came in
	TopShare float64 // of the most frequent template in the last 10 s, 0 to 1; 0 where not known
	Space    Space   // of the log's filesystem; the zero Space where not known
}

// Ladder judges the growth of one log. It has no clock and does no I/O: all it
// knows is in the samples. It is not safe for use by several goroutines.
type Ladder struct {
	cfg   EmergencyConfig
	class Class
	level Level
}

// NewLadder returns a Ladder at LevelCalm.
func NewLadder(cfg EmergencyConfig, class Class) *Ladder {
	return &Ladder{cfg: cfg, class: class}
}

// Level is the level after the last sample.
func (l *Ladder) Level() Level { return l.level }

// Step takes a reading and returns what to do, in order; mostly nothing.
func (l *Ladder) Step(s Sample) []Step { return nil }

// Rotated tells the ladder that the log has just turned for another reason, so
// that a rotation for growth is not asked for the same bytes.
func (l *Ladder) Rotated() {}
