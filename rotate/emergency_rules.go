package rotate

import (
	"math"
	"time"
)

// The rules that a Surge or Storm names.
const (
	ruleRate   = "rate"
	ruleTTF    = "ttf"
	ruleRepeat = "repeat"
	ruleAccess = "access"
	rule10s    = "growth_10s"
	rule60s    = "growth_60s"
	rule5m     = "growth_5m"
)

// reading is what the rules look at: one moment of one log.
type reading struct {
	cfg    *EmergencyConfig
	class  Class
	in3    uint64 // bytes in the last 3 s
	in10   uint64 // bytes in the last 10 s
	in60   uint64
	in300  uint64
	lines  uint64 // in the last 10 s
	top    float64
	usual  float64
	known  bool // usual is known
	grace  bool // too early for a surge
	young  bool // the last 10 s reach into the grace
	ttf    time.Duration
	hasTTF bool
}

func (r reading) rate10() float64 { return float64(r.in10) / shortWindow }
func (r reading) rate60() float64 { return float64(r.in60) / minuteWindow }

// trigger is the rate from which on the log surges.
func (r reading) trigger() float64 {
	floor := r.cfg.ErrorFloor
	if r.class == ClassAccess {
		floor = r.cfg.AccessFloor
	}
	return max(float64(floor), r.cfg.Factor*r.usual)
}

// surge returns the rule by which the log surges; "" where it does not.
func (r reading) surge() string {
	switch {
	case r.grace, r.class == ClassAccess && !r.known:
		return ""
	case r.rate10() >= r.trigger() && (!r.young || float64(r.in3)/nowWindow >= r.trigger()):
		return ruleRate // what a start-up wrote and then stopped to write is none
	case r.fillsWithin(r.cfg.TTFWatch.Std()):
		return ruleTTF
	}
	return ""
}

// fillsWithin reports whether this log would fill the disk within a time. A log
// at its usual rate, or a slow one, is never to blame for a disk that others
// filled: that is for the DiskLadder to tell.
func (r reading) fillsWithin(limit time.Duration) bool {
	return r.hasTTF && limit > 0 && r.ttf < limit &&
		r.rate60() >= float64(r.cfg.ErrorFloor) && r.rate60() >= 2*r.usual &&
		(r.class == ClassError || r.known)
}

// storm returns the storm that there is now.
func (r reading) storm(level Level) (Storm, bool) {
	rule, bytes, window := "", r.in60, minuteWindow
	switch {
	case r.class == ClassError && reached(r.in10, r.cfg.Growth10s.Bytes()):
		rule, bytes, window = rule10s, r.in10, shortWindow
	case r.class == ClassError && reached(r.in60, r.cfg.Growth60s.Bytes()):
		rule = rule60s
	case r.class == ClassError && reached(r.in300, r.cfg.Growth5m.Bytes()):
		rule, bytes, window = rule5m, r.in300, longWindow
	case r.class == ClassError && level == LevelWatch && r.surge() == ruleRate && r.repeats():
		rule, bytes, window = ruleRepeat, r.in10, shortWindow
	case r.class == ClassAccess && r.rate60() >= r.cfg.AccessFactor*r.usual && r.fillsWithin(r.cfg.TTFWatch.Std()):
		rule = ruleAccess
	case r.fillsWithin(r.cfg.TTFStorm.Std()):
		rule = ruleTTF
	default:
		return Storm{}, false
	}
	return r.stormBy(rule, bytes, window), true
}

func (r reading) stormBy(rule string, bytes uint64, window int) Storm {
	return Storm{
		Rule: rule, Rate: float64(bytes) / float64(window), Usual: r.usual,
		Growth: int64(min(bytes, math.MaxInt64)), Window: time.Duration(window) * time.Second,
		TimeToFull: r.ttf,
	}
}

func reached(bytes uint64, limit int64) bool { return limit > 0 && bytes >= uint64(limit) }

func (r reading) repeats() bool {
	return r.cfg.RepeatShare > 0 && r.lines >= r.cfg.RepeatLines && r.top >= r.cfg.RepeatShare
}

// stormTrigger is the least rate that any rule of a storm would fire at, so
// that a storm which has ended cannot fire again at the same rate.
func (r reading) stormTrigger() float64 {
	least := r.trigger()
	if r.class == ClassAccess {
		return least
	}
	for _, rule := range []struct {
		growth int64
		window float64
	}{
		{r.cfg.Growth10s.Bytes(), shortWindow},
		{r.cfg.Growth60s.Bytes(), minuteWindow},
		{r.cfg.Growth5m.Bytes(), longWindow},
	} {
		if rule.growth > 0 {
			least = min(least, float64(rule.growth)/rule.window)
		}
	}
	return least
}

// timeToFull is how long space lasts at a rate in bytes per second; not known
// where it would last for longer than a year, or space is not known.
func timeToFull(s Space, rate float64) (time.Duration, bool) {
	if s.Total <= 0 || rate <= 0 {
		return 0, false
	}
	seconds := float64(max(s.Available, 0)) / rate
	if seconds > 366*24*60*60 {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
