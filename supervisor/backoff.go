package supervisor

import (
	"math"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

// Backoff says how long to wait before the next life.
type Backoff struct {
	Initial config.Duration `yaml:"initial" default:"500ms" min:"1ms" doc:"Pause after the first failure."`
	Factor  float64         `yaml:"factor" default:"2" doc:"Growth of the pause with each further failure, from 1."`
	Max     config.Duration `yaml:"max" default:"30s" min:"1ms" doc:"Longest pause, before jitter."`
	Jitter  float64         `yaml:"jitter" default:"0.1" doc:"Share of the pause, from 0 to 1, up to which a random time is added."`
}

// Validate reports what the tags cannot say.
func (b Backoff) Validate() error {
	var p config.Problems
	if !(b.Factor >= 1) || math.IsInf(b.Factor, 0) {
		p.Add("factor", "got %v, want a number from 1", b.Factor)
	}
	if !(b.Jitter >= 0 && b.Jitter <= 1) {
		p.Add("jitter", "got %v, want a number from 0 to 1", b.Jitter)
	}
	if b.Max < b.Initial {
		p.Add("max", "got %s, want at least initial (%s)", b.Max, b.Initial)
	}
	return p.Err()
}

// Wait is the pause after that many failures in a row (from 1). random is a
// number in [0,1) that chooses the jitter.
func (b Backoff) Wait(failures int, random float64) time.Duration {
	base := float64(b.Initial) * math.Pow(b.Factor, float64(max(failures, 1)-1))
	base = min(base, float64(b.Max)) // also where Pow overflowed to infinity
	return time.Duration(base * (1 + b.Jitter*random))
}

// outlook is what the restart budget says after a failure.
type outlook int

const (
	backOff outlook = iota // wait for the backoff, then try again
	rest                   // quick restarts did not help: wait for RestEvery
	giveUp                 // no further life
)

// judge decides what follows the given number of failures in a row.
func (c Config) judge(failures int) outlook {
	switch {
	case c.GiveUpAfter > 0 && failures >= c.GiveUpAfter:
		return giveUp
	case c.RestAfter > 0 && failures >= c.RestAfter:
		return rest
	default:
		return backOff
	}
}
