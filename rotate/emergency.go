package rotate

import (
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

// Class says what a log is for, and so what growth is an alarm in it.
type Class string

const (
	// ClassError is for streams that are nearly silent in health: stderr,
	// error logs. Absolute growth is an alarm.
	ClassError Class = "error"
	// ClassAccess is for streams that grow with traffic: access logs, stdout
	// of many servers. Only growth far above the usual is an alarm, and the
	// usual must have been seen for five minutes first.
	ClassAccess Class = "access"
)

// EmergencyConfig holds the thresholds that turn growth into alarms. The
// defaults see one megabyte a second of errors within ten seconds and call it
// a storm after 32 MiB.
type EmergencyConfig struct {
	Enabled bool `yaml:"enabled" default:"true" doc:"Whether growth of logs and shortage of space raise alarms; false still counts, but neither rotates nor pages."`

	ErrorFloor  config.Size `yaml:"error_floor" default:"256KiB" min:"1KiB" doc:"Bytes per second (mean of 10s) below which an error log never surges, whatever is usual."`
	AccessFloor config.Size `yaml:"access_floor" default:"8MiB" min:"1KiB" doc:"Bytes per second (mean of 10s) below which an access log never surges."`
	Factor      float64     `yaml:"factor" default:"8" min:"1.5" max:"1000" doc:"How many times its usual rate a log must grow to surge."`

	Growth10s    config.Size `yaml:"growth_10s" default:"64MiB" doc:"Growth of an error log in 10 seconds that is a storm; 0 turns the rule off."`
	Growth60s    config.Size `yaml:"growth_60s" default:"32MiB" doc:"Growth of an error log in 60 seconds that is a storm; 0 turns the rule off."`
	Growth5m     config.Size `yaml:"growth_5m" default:"100MiB" doc:"Growth of an error log in 5 minutes that is a storm; 0 turns the rule off."`
	AccessFactor float64     `yaml:"access_factor" default:"4" min:"1.5" max:"1000" doc:"How many times its usual volume of a minute an access log must grow, while the disk would be full within ttf_watch, to be a storm."`

	RepeatShare float64 `yaml:"repeat_share" default:"0.8" max:"1" doc:"Share of one repeating line that turns a surge of an error log into a storm, 0 to 1; 0 turns the rule off."`
	RepeatLines uint64  `yaml:"repeat_lines" default:"1000" min:"1" doc:"Lines within 10s below which repetition is not looked at."`

	TTFWatch config.Duration `yaml:"ttf_watch" default:"1h" doc:"Time until the disk is full that is a surge, and a warning of the disk; 0s turns it off."`
	TTFStorm config.Duration `yaml:"ttf_storm" default:"15m" doc:"Time until the disk is full that is a storm, and level high of the disk; 0s turns it off."`
	TTFCrit  config.Duration `yaml:"ttf_crit" default:"3m" doc:"Time until the disk is full that is level crit of the disk; 0s turns it off."`

	ReserveShare float64     `yaml:"reserve_share" default:"0.1" max:"0.9" doc:"Share of a filesystem that logs should leave free, 0 to 0.9, within reserve_min and reserve_max."`
	ReserveMin   config.Size `yaml:"reserve_min" default:"256MiB" doc:"Least reserve; a filesystem smaller than four times this keeps a quarter of itself instead."`
	ReserveMax   config.Size `yaml:"reserve_max" default:"4GiB" doc:"Greatest reserve."`
	UsedWarn     float64     `yaml:"used_warn" default:"0.95" max:"1" doc:"Used share of a filesystem that is a warning whatever is left, 0 to 1; 0 turns it off."`
	InodesCrit   float64     `yaml:"inodes_crit" default:"0.02" max:"1" doc:"Free share of inodes below which the disk is at level crit, 0 to 1; 0 turns it off."`

	CalmAfter    config.Duration `yaml:"calm_after" default:"5m" min:"1s" doc:"How long growth must stay below half of its trigger, or space above 1.25 times its threshold, before the alarm ends or falls by one level."`
	StartupGrace config.Duration `yaml:"startup_grace" default:"10s" doc:"Time from the first reading in which a log does not surge; storms are seen at once."`
	RotateMin    config.Size     `yaml:"rotate_min" default:"1MiB" doc:"Least growth since the last rotation for which a surge rotates the log."`
	RotateEvery  config.Duration `yaml:"rotate_every" default:"10s" min:"1s" doc:"Least time between two rotations for growth."`
	RotateBudget int             `yaml:"rotate_budget" default:"6" min:"1" max:"60" doc:"Most rotations for growth within 10 minutes."`
	Repage       config.Duration `yaml:"repage" default:"30m" doc:"How often an alarm that lasts is told again; 0s tells it once."`
}

// Validate returns all that the tags cannot say is wrong.
func (c EmergencyConfig) Validate() error {
	var p config.Problems
	if c.ReserveMin > c.ReserveMax {
		p.Add("reserve_min", "%s is above reserve_max %s", c.ReserveMin, c.ReserveMax)
	}
	if c.TTFStorm > c.TTFWatch && c.TTFWatch > 0 {
		p.Add("ttf_storm", "%s is above ttf_watch %s", c.TTFStorm, c.TTFWatch)
	}
	if c.TTFCrit > c.TTFStorm && c.TTFStorm > 0 {
		p.Add("ttf_crit", "%s is above ttf_storm %s", c.TTFCrit, c.TTFStorm)
	}
	return p.Err()
}

// Step is one thing that a ladder asks its owner to do or to tell.
type Step interface{ isStep() }

// Rotate asks to turn the log now.
type Rotate struct {
	Reason string // always "growth"
}

// Surge tells that a log grows much faster than it usually does.
type Surge struct {
	Rule  string  // "rate" or "ttf"
	Rate  float64 // bytes per second
	Usual float64 // bytes per second; 0 where not known
}

// Storm tells that a log grows like an emergency. Between two Storms of one
// ladder that are not Again there is a Calm.
type Storm struct {
	Rule       string        // "growth_10s", "growth_60s", "growth_5m", "repeat", "ttf" or "access"
	Rate       float64       // bytes per second, mean of Window
	Usual      float64       // bytes per second; 0 where not known
	Growth     int64         // bytes within Window
	Window     time.Duration //
	TimeToFull time.Duration // 0 where not known
	Again      bool          // the same storm, told again after the repage time
}

// Calm tells that a surge or storm is over.
type Calm struct {
	For   time.Duration // since the surge or storm began
	Storm bool          // it had become a storm
}

// Reclaim asks to remove own old archives.
type Reclaim struct {
	Bytes int64 // how much more space is wanted; at least 1
}

// DiskLow tells that a filesystem has a new level other than SpaceOK, or the
// same one again after the repage time.
type DiskLow struct {
	Level      SpaceLevel
	Was        SpaceLevel
	Space      Space
	Reserve    int64         // bytes
	TimeToFull time.Duration // 0 where not known
	Again      bool
}

// DiskOK tells that a filesystem has room again.
type DiskOK struct {
	Space Space
	For   time.Duration // since the level left SpaceOK
}

func (Rotate) isStep()  {}
func (Surge) isStep()   {}
func (Storm) isStep()   {}
func (Calm) isStep()    {}
func (Reclaim) isStep() {}
func (DiskLow) isStep() {}
func (DiskOK) isStep()  {}
