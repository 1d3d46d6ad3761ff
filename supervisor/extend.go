package supervisor

import "time"

const (
	// longestExtension is the most that one EXTEND_TIMEOUT_USEC gains, counted
	// from its arrival. A child that starts may ask again.
	longestExtension = 10 * time.Minute
	// stopExtension times the stop timeout is the most that a stop takes with
	// all extensions.
	stopExtension = 10
)

// stopLimit is the longest time between the stop signal and KILL that a child
// can gain: ten times the timeout up to ten minutes, but never less than the
// timeout itself. 0 stays 0.
func stopLimit(timeout time.Duration) time.Duration {
	return max(timeout, min(stopExtension*min(timeout, longestExtension), longestExtension))
}

// extend moves the deadline of a start or a stop to d from now, where that is
// later and within bounds: a condemned life must not choose its own end.
func (s *Supervisor) extend(d time.Duration) {
	switch s.at.state {
	case Starting:
		d = min(d, longestExtension)
	case Stopping:
		d = min(d, time.Until(s.life.stopAt.Add(stopLimit(s.cfg.StopTimeout.Std()))))
	default:
		return
	}
	select {
	case <-s.hurry: // nobody waits any more
		return
	default:
	}
	if !s.due.IsZero() && time.Until(s.due) < d {
		s.arm(d)
	}
}
