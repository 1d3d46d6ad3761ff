package rotate

import "time"

// SpaceLevel is how short of space a filesystem is.
type SpaceLevel int

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
	Space   Space
	Rate    float64 // bytes per second that all logs on it grow by; 0 where not known
	Refused bool    // a write was refused (no space, quota, read-only, I/O error) since the last sample
}

// DiskLadder judges the space of one filesystem. It has no clock and does no
// I/O. It is not safe for use by several goroutines.
type DiskLadder struct {
	cfg   EmergencyConfig
	level SpaceLevel
	ttf   time.Duration
}

// NewDiskLadder returns a DiskLadder at SpaceOK.
func NewDiskLadder(cfg EmergencyConfig) *DiskLadder { return &DiskLadder{cfg: cfg} }

// Level is the level after the last sample.
func (d *DiskLadder) Level() SpaceLevel { return d.level }

// TimeToFull is how long the space above the reserve lasts at the present rate;
// 0 where space does not shrink or the rate is not known yet.
func (d *DiskLadder) TimeToFull() time.Duration { return d.ttf }

// Step takes a reading and returns what to do, in order; mostly nothing.
func (d *DiskLadder) Step(s DiskSample) []Step { return nil }
