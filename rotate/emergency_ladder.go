package rotate

import "time"

// Level is how alarming the growth of one log is.
type Level int

// The levels, in rising order.
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
//
// An alarm rises at once and ends only after CalmAfter below half of what
// raised it, so growth that swings around a threshold is one alarm. Where two
// ended within an hour, the next takes half an hour of quiet to end.
type Ladder struct {
	cfg   EmergencyConfig
	class Class
	clock clock
	grew  growth
	usual usual
	turns turns

	level   Level
	began   time.Duration // when the level left LevelCalm
	trigger float64       // bytes per second; half of it is calm
	quiet   time.Duration // for how long it has been calm
	rule    Storm         // the storm as it was told first
	told    time.Duration // when it was told last
	calms   [2]time.Duration
	ended   int // calms ever
}

// NewLadder returns a Ladder at LevelCalm.
func NewLadder(cfg EmergencyConfig, class Class) *Ladder {
	return &Ladder{cfg: cfg, class: class}
}

// Level is the level after the last sample. It is kept where the configuration
// turns alarms off, too.
func (l *Ladder) Level() Level { return l.level }

// Rotated tells the ladder that the log has just turned for another reason, so
// that a rotation for growth is not asked for the same bytes.
func (l *Ladder) Rotated() { l.turns.turned() }

// Step takes a reading and returns what to do, in order; mostly nothing.
func (l *Ladder) Step(s Sample) []Step {
	passed := l.clock.step(s.Now)
	bytes := l.grew.take(l.clock.now, s.Bytes, s.Lines)
	l.usual.take(l.clock.now, bytes, l.level == LevelStorm)
	l.turns.grew += bytes

	steps := l.judge(l.read(s), passed)
	if l.level != LevelCalm && l.turns.allow(l.cfg, l.clock.now) {
		steps = append(steps, Rotate{Reason: "growth"})
	}
	if !l.cfg.Enabled {
		return nil
	}
	return steps
}

func (l *Ladder) read(s Sample) reading {
	r := reading{cfg: &l.cfg, class: l.class, top: s.TopShare}
	r.in3, _ = l.grew.within(nowWindow)
	r.in10, r.lines = l.grew.within(shortWindow)
	r.in60, _ = l.grew.within(minuteWindow)
	r.in300, _ = l.grew.within(longWindow)
	r.usual, r.known = l.usual.rate()
	r.grace = l.clock.now < l.cfg.StartupGrace.Std()
	r.young = l.clock.now < l.cfg.StartupGrace.Std()+shortWindow*time.Second
	r.ttf, r.hasTTF = timeToFull(s.Space, r.rate60())
	return r
}

// relearn is how long a surge lasts before it is what is usual.
const relearn = time.Hour

func (l *Ladder) judge(r reading, passed time.Duration) []Step {
	surge := r.surge()
	storm, stormy := r.storm(l.level)
	switch {
	case l.level != LevelStorm && stormy:
		return l.toStorm(r, storm)
	case l.level == LevelCalm && surge != "":
		l.level, l.began, l.quiet, l.trigger = LevelWatch, l.clock.now, 0, r.trigger()
		l.turns.want = true
		return []Step{Surge{Rule: surge, Rate: r.rate10(), Usual: r.usual}}
	case l.level == LevelCalm:
		return nil
	}
	if l.level == LevelWatch && l.clock.now-l.began >= relearn {
		l.trigger = r.trigger()
	}
	if surge != "" || r.rate60() >= l.trigger/2 {
		l.quiet = 0
	} else if l.quiet += passed; l.quiet >= l.calmAfter() {
		return l.toCalm()
	}
	return l.again(r, storm, stormy)
}

func (l *Ladder) toStorm(r reading, storm Storm) []Step {
	if l.level == LevelCalm {
		l.began = l.clock.now
	}
	l.level, l.quiet, l.trigger = LevelStorm, 0, r.stormTrigger()
	l.rule, l.told = storm, l.clock.now
	l.usual.forgetLast()
	l.turns.want = true
	return []Step{storm}
}

func (l *Ladder) toCalm() []Step {
	done := Calm{For: l.clock.now - l.began, Storm: l.level == LevelStorm}
	l.calms[l.ended%len(l.calms)] = l.clock.now
	l.ended++
	l.level, l.quiet = LevelCalm, 0
	return []Step{done}
}

// Bounds of flapping: so many alarms that ended within so long make the next
// one wait for a longer quiet.
const (
	flapWithin = time.Hour
	flapQuiet  = 30 * time.Minute
)

func (l *Ladder) calmAfter() time.Duration {
	after := l.cfg.CalmAfter.Std()
	if oldest := l.calms[l.ended%len(l.calms)]; l.ended >= len(l.calms) && l.clock.now-oldest < flapWithin {
		return max(after, flapQuiet)
	}
	return after
}

// again tells a storm that lasts, with the numbers of now.
func (l *Ladder) again(r reading, storm Storm, stormy bool) []Step {
	every := l.cfg.Repage.Std()
	if l.level != LevelStorm || every <= 0 || l.clock.now-l.told < every {
		return nil
	}
	if !stormy {
		storm = r.stormBy(l.rule.Rule, r.in300, longWindow)
	}
	storm.Again = true
	l.told = l.clock.now
	return []Step{storm}
}
