package rotate

import (
	"slices"
	"time"
)

// The windows of growth, in seconds.
const (
	nowWindow    = 3
	shortWindow  = 10
	minuteWindow = 60
	longWindow   = 300
)

// maxGap is the most time that one sample may pass. It keeps a clock that is
// set, or a machine that slept, from emptying every window at once.
const maxGap = time.Minute

// clock turns the times of samples into time that never goes back.
type clock struct {
	now     time.Duration // since the first sample
	last    time.Time
	started bool
}

// step takes the time of a sample and returns how long it is since the last.
func (c *clock) step(now time.Time) time.Duration {
	var d time.Duration
	if c.started {
		d = min(max(now.Sub(c.last), 0), maxGap)
	}
	c.started, c.last = true, now
	c.now += d
	return d
}

// growth remembers the last five minutes of one log by the second.
type growth struct {
	bytes, lines         [longWindow]uint64
	second               int // of the newest bucket, since the first sample
	lastBytes, lastLines uint64
	started              bool
}

// take books a sample's counters at a time since the first sample, and returns
// the bytes that are new. What came while nobody looked is spread evenly.
func (g *growth) take(now time.Duration, bytes, lines uint64) uint64 {
	newBytes, newLines := ahead(bytes, g.lastBytes), ahead(lines, g.lastLines)
	g.lastBytes, g.lastLines = bytes, lines
	if !g.started {
		// What was counted before the first sample has no time of its own.
		g.started = true
		return 0
	}
	second := int(now / time.Second)
	n := second - g.second
	if n <= 0 {
		g.bytes[g.second%longWindow] += newBytes
		g.lines[g.second%longWindow] += newLines
		return newBytes
	}
	for i := 1; i <= n; i++ {
		at := (g.second + i) % longWindow
		g.bytes[at] = part(newBytes, i, n)
		g.lines[at] = part(newLines, i, n)
	}
	g.second = second
	return newBytes
}

// ahead is how far a counter is ahead of its last reading; 0 where it restarted.
func ahead(now, last uint64) uint64 {
	if now < last {
		return 0
	}
	return now - last
}

// part is the i-th of n nearly equal parts, which add up to the whole.
func part(whole uint64, i, n int) uint64 {
	each := whole / uint64(n)
	if i == n {
		return whole - each*uint64(n-1)
	}
	return each
}

// within sums the last seconds, the one that has just begun included.
func (g *growth) within(seconds int) (bytes, lines uint64) {
	for i := range min(seconds, g.second+1) {
		at := (g.second - i) % longWindow
		bytes += g.bytes[at]
		lines += g.lines[at]
	}
	return bytes, lines
}

// usual learns the rate that a log normally has: the 95th percentile of the
// means of the last 60 minutes that count.
type usual struct {
	minutes [60]uint64 // bytes
	filled  int
	next    int
	bytes   uint64        // of the minute that runs
	since   time.Duration // of the minute that runs
	storm   bool          // it saw a storm, so it does not count
}

// minUsual is how many minutes make a usual rate.
const minUsual = 5

// take books new bytes. A storm must not become what is usual; a surge that
// lasts does.
func (u *usual) take(now time.Duration, bytes uint64, storm bool) {
	u.bytes += bytes
	u.storm = u.storm || storm
	if now-u.since < time.Minute {
		return
	}
	if !u.storm {
		u.minutes[u.next] = uint64(float64(u.bytes) * float64(time.Minute) / float64(now-u.since))
		u.next = (u.next + 1) % len(u.minutes)
		u.filled = min(u.filled+1, len(u.minutes))
	}
	u.bytes, u.since, u.storm = 0, now, false
}

// forgetLast takes back the last minute, in which a storm had begun unseen.
func (u *usual) forgetLast() {
	u.storm = true
	if u.filled > 0 {
		u.filled--
		u.next = (u.next + len(u.minutes) - 1) % len(u.minutes)
	}
}

// rate is in bytes per second; not known before five minutes.
func (u *usual) rate() (bytes float64, known bool) {
	if u.filled < minUsual {
		return 0, false
	}
	sorted := make([]uint64, 0, len(u.minutes))
	for i := 1; i <= u.filled; i++ {
		sorted = append(sorted, u.minutes[(u.next+len(u.minutes)-i)%len(u.minutes)])
	}
	slices.Sort(sorted)
	return float64(sorted[(u.filled-1)*95/100]) / 60, true // one odd minute is never the answer
}
