package rotate

import "time"

// SpaceLevel is how short of space a filesystem is.
type SpaceLevel int

// The levels, in rising order. The numbers are the defaults.
const (
	SpaceOK   SpaceLevel = iota
	SpaceWarn            // below twice the reserve, or 95 % used, or full within an hour
	SpaceHigh            // below the reserve, or full within 15 minutes
	SpaceCrit            // below a quarter of the reserve, or 2 % of inodes, or full within 3 minutes
	SpaceFull            // a write was refused
)

// String is "ok", "warn", "high", "crit" or "full".
func (l SpaceLevel) String() string {
	switch l {
	case SpaceOK:
		return "ok"
	case SpaceWarn:
		return "warn"
	case SpaceHigh:
		return "high"
	case SpaceCrit:
		return "crit"
	default:
		return "full"
	}
}

// DiskSample is one reading of a filesystem, taken every PollInterval.
type DiskSample struct {
	Now     time.Time
	Space   Space   // the zero Space where it could not be measured
	Rate    float64 // bytes per second that all logs on it grow by; 0 where not known
	Refused bool    // a write was refused (no space, quota, read-only, I/O error) since the last sample
}

// DiskLadder judges the space of one filesystem. It has no clock and does no
// I/O. It is not safe for use by several goroutines.
//
// The level rises at once, by any number of steps, and falls by one step after
// each CalmAfter in which all that raised it was 1.25 times better than it has
// to be. A time to full counts only when it has been so short for a tenth of
// its limit: a large file that is copied is no emergency.
type DiskLadder struct {
	cfg   EmergencyConfig
	clock clock
	drain drain
	ttf   time.Duration // 0: not known
	short [3]time.Duration

	level     SpaceLevel
	began     time.Duration // when the level left SpaceOK
	quiet     time.Duration
	told      time.Duration
	reclaimed time.Duration // when Reclaim was asked last
}

// NewDiskLadder returns a DiskLadder at SpaceOK.
func NewDiskLadder(cfg EmergencyConfig) *DiskLadder { return &DiskLadder{cfg: cfg} }

// Level is the level after the last sample. It is kept where the configuration
// turns alarms off, too.
func (d *DiskLadder) Level() SpaceLevel { return d.level }

// TimeToFull is how long the space lasts at the present rate; 0 where it does
// not shrink or the rate is not known yet.
func (d *DiskLadder) TimeToFull() time.Duration { return d.ttf }

// Step takes a reading and returns what to do, in order; mostly nothing.
func (d *DiskLadder) Step(s DiskSample) []Step {
	passed := d.clock.step(s.Now)
	measured := 0.0
	if s.Space.Total > 0 {
		measured = d.drain.take(d.clock.now, s.Space.Available)
	}
	d.ttf, _ = timeToFull(s.Space, max(measured, s.Rate))
	for i, limit := range d.limits() {
		if d.ttf > 0 && d.ttf < limit {
			d.short[i] += passed
		} else {
			d.short[i] = 0
		}
	}
	steps := d.judge(s, passed)
	if reclaim, ok := d.reclaim(s); ok {
		steps = append(steps, reclaim)
	}
	if !d.cfg.Enabled {
		return nil
	}
	return steps
}

// limits are the times to full of warn, high and crit.
func (d *DiskLadder) limits() [3]time.Duration {
	return [3]time.Duration{d.cfg.TTFWatch.Std(), d.cfg.TTFStorm.Std(), d.cfg.TTFCrit.Std()}
}

func (d *DiskLadder) judge(s DiskSample, passed time.Duration) []Step {
	was := d.level
	switch up := max(d.bySpace(s, 1), d.byTime(false)); {
	case up > was:
		if was == SpaceOK {
			d.began = d.clock.now
		}
		d.level, d.quiet = up, 0
	case max(d.bySpace(s, slack), d.byTime(true)) >= was:
		d.quiet = 0
	default:
		if d.quiet += passed; d.quiet >= d.cfg.CalmAfter.Std() {
			d.level, d.quiet = was-1, 0
		}
	}
	switch {
	case d.level == SpaceOK && was != SpaceOK:
		return []Step{DiskOK{Space: s.Space, For: d.clock.now - d.began}}
	case d.level != was:
		return []Step{d.low(s, was, false)}
	case d.level >= SpaceCrit && d.cfg.Repage > 0 && d.clock.now-d.told >= d.cfg.Repage.Std():
		return []Step{d.low(s, was, true)}
	}
	return nil
}

func (d *DiskLadder) low(s DiskSample, was SpaceLevel, again bool) DiskLow {
	d.told = d.clock.now
	return DiskLow{
		Level: d.level, Was: was, Space: s.Space, Reserve: d.cfg.Reserve(s.Space.Total),
		TimeToFull: d.ttf, Again: again,
	}
}

// slack is how much better than a threshold space must be to fall below it.
const slack = 1.25

// bySpace is the level that space alone asks for, with all thresholds k times
// as demanding. Space that is not known asks for what there is already, so that
// a gauge which fails neither raises nor ends an alarm.
func (d *DiskLadder) bySpace(s DiskSample, k float64) SpaceLevel {
	if s.Refused {
		return SpaceFull
	}
	if s.Space.Total <= 0 {
		return d.level
	}
	available := float64(s.Space.Available)
	reserve := k * float64(d.cfg.Reserve(s.Space.Total))
	inodes := s.Space.InodesTotal > 0 &&
		float64(s.Space.InodesFree) < k*d.cfg.InodesCrit*float64(s.Space.InodesTotal)
	switch {
	case available < reserve/4, inodes:
		return SpaceCrit
	case available < reserve:
		return SpaceHigh
	case available < 2*reserve, d.cfg.UsedWarn > 0 && 1-s.Space.UsedShare <= k*(1-d.cfg.UsedWarn):
		return SpaceWarn
	}
	return SpaceOK
}

// byTime is the level that the time to full asks for: to rise, it must have
// been short for a tenth of its limit; to stay, it need only be short.
func (d *DiskLadder) byTime(stay bool) SpaceLevel {
	level := SpaceOK
	for i, limit := range d.limits() {
		switch {
		case limit <= 0 || d.ttf <= 0:
		case stay && float64(d.ttf) < slack*float64(limit), !stay && d.short[i] > 0 && d.short[i] >= limit/10:
			level = SpaceWarn + SpaceLevel(i)
		}
	}
	return level
}

// reclaimEvery spaces the requests to remove archives.
const reclaimEvery = 5 * time.Second

func (d *DiskLadder) reclaim(s DiskSample) (Reclaim, bool) {
	reserve := d.cfg.Reserve(s.Space.Total)
	if !s.Refused && (s.Space.Total <= 0 || s.Space.Available >= reserve) {
		return Reclaim{}, false
	}
	if d.reclaimed > 0 && d.clock.now-d.reclaimed < reclaimEvery {
		return Reclaim{}, false
	}
	d.reclaimed = max(d.clock.now, 1)
	return Reclaim{Bytes: max(int64(slack*float64(reserve))-s.Space.Available, 1)}, true
}

// drain remembers the available space of the last minute.
type drain struct {
	marks [64]mark // a ring; at least a second lies between two
	n     int      // marks ever
}

type mark struct {
	at        time.Duration
	available int64
}

// leastDrain is the shortest time that a rate is computed over: in the first
// seconds a burst looks like a flood.
const leastDrain = 10 * time.Second

// take books a reading and returns by how many bytes per second space shrinks:
// the lesser of the means of the last minute and of the last ten seconds, so
// that a file which has been copied is over at once. It is 0 where space grew.
func (r *drain) take(now time.Duration, available int64) float64 {
	if r.n == 0 || now-r.marks[(r.n-1)%len(r.marks)].at >= time.Second {
		r.marks[r.n%len(r.marks)] = mark{now, available}
		r.n++
	}
	short, long := 0.0, 0.0
	recent := true
	for i := r.n - 1; i >= max(r.n-len(r.marks), 0); i-- {
		m := r.marks[i%len(r.marks)]
		if now-m.at > time.Minute {
			break
		}
		long = max(float64(m.available-available)/max(now-m.at, leastDrain).Seconds(), 0)
		if recent {
			short = long
			recent = now-m.at < leastDrain
		}
	}
	return min(short, long)
}
