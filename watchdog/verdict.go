package watchdog

// tally counts the answers of one probe in one life.
type tally struct {
	rise, fall, within int
	state              State // Unknown, Passing or Failing
	good               int   // successes in a row
	bad                int   // failures in a row
	last               []bool
}

type turn int

const (
	stayed turn = iota
	rose        // became Passing
	fell        // became Failing
)

func newTally(c ProbeConfig) tally {
	return tally{rise: c.Rise, fall: c.Fall, within: c.Within, state: Unknown}
}

// add counts one answer.
func (t *tally) add(ok bool) turn {
	if ok {
		t.good, t.bad = t.good+1, 0
	} else {
		t.good, t.bad = 0, t.bad+1
	}
	if t.within > 0 {
		t.last = append(t.last, ok)
		t.last = t.last[max(0, len(t.last)-t.within):]
	}
	switch {
	case t.state != Passing && ok && t.good >= t.rise:
		if t.state == Failing {
			t.last = t.last[:0] // it rose: what was before is forgiven
		}
		t.state = Passing
		return rose
	case t.state != Failing && !ok && t.failures() >= t.fall:
		t.state = Failing
		return fell
	}
	return stayed
}

// failures are those that count against fall.
func (t *tally) failures() int {
	if t.within == 0 {
		return t.bad
	}
	n := 0
	for _, ok := range t.last {
		if !ok {
			n++
		}
	}
	return n
}

// mark is how far the life had come at one moment.
type mark struct {
	known     bool
	completed uint64 // requests, in all
	own       uint64 // http checks of ours until then, which may be among them
}

// advanced reports whether the life completed requests of others between the
// marks: more than our own checks can account for, because a check that the
// life gives up when we do is completed too and proves nothing.
func advanced(from, to mark) bool {
	return from.known && to.known && to.completed > from.completed &&
		to.completed-from.completed > to.own-from.own
}

// consequence is what an answer means for the life.
type consequence int

const (
	nothing  consequence = iota
	tellDown             // the probe fell
	tellUp               // the probe rose again
	overload             // it fails, and the life completes requests: only out of service
	end                  // the life must end
)

// judge says what the answer that turned a probe, or left it failing, means.
func judge(role Role, t turn, failing, advances bool) consequence {
	switch {
	case t == rose:
		return tellUp
	case !failing:
		return nothing
	case role == Readiness && t == fell:
		return tellDown
	case role == Readiness:
		return nothing
	case role == Liveness && advances:
		return overload
	default:
		return end
	}
}

// standing is the role and state of each probe of a life.
type standing struct {
	role  Role
	state State
}

// started reports whether every startup probe has passed, so that the others
// may ask.
func started(all []standing) bool {
	for _, s := range all {
		if s.role == Startup && s.state != Passing {
			return false
		}
	}
	return true
}

// ready reports whether the life may serve: it has started, its readiness
// probes pass, and no liveness probe fails. Where there are no readiness
// probes, its liveness probes must have passed.
func ready(all []standing) bool {
	judged := false
	for _, s := range all {
		judged = judged || s.role == Readiness
	}
	for _, s := range all {
		switch {
		case s.role == Liveness && (s.state == Failing || s.state == Overloaded),
			s.role == Readiness && s.state != Passing,
			s.role == Liveness && s.state != Passing && !judged:
			return false
		}
	}
	return len(all) > 0 && started(all)
}
