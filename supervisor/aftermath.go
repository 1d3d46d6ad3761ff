package supervisor

import (
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// reportGrace bounds the writing of a post-mortem, hooks included: a disk or a
// hook that hangs must not stop a restart.
const reportGrace = 2 * time.Second

// aftermath is what is known once a life is over and its tree is gone.
type aftermath struct {
	remains remains
	report  report
}

// report is what the post-mortem found.
type report struct {
	lastWords  []string
	inFlight   int
	postMortem string // path; "" where none was written
}

// aftermath ends what the dead life left, asks the hooks about it and writes
// the post-mortem. It is bounded.
func (s *Supervisor) aftermath(l *living, failures int) aftermath {
	a := aftermath{remains: l.proc.Sweep(s.hurry)}

	written := make(chan report, 1) // one answer, perhaps after nobody waits any more
	go func() {
		var r report
		s.contained("report", func() { r = s.report(l, a.remains, failures) })
		written <- r
	}()

	over := make(chan struct{})
	go func() { l.helpers.Wait(); close(over) }()
	timeout := time.NewTimer(guardGrace)
	defer timeout.Stop()
	select {
	case <-over:
	case <-timeout.C:
		s.events.Emit(event.GuardPanicked{Guard: "all", Value: fmt.Sprintf("a guard of life %d did not return within %s of its end", l.Number, guardGrace)})
	}

	patience := time.NewTimer(reportGrace)
	defer patience.Stop()
	select {
	case a.report = <-written:
	case <-patience.C:
	}
	return a
}

func (s *Supervisor) report(l *living, left remains, failures int) (r report) {
	pm := postMortemOf(l, s.opts.Program, s.opts.Argv, failures)
	pm.Left, pm.Survivors = left.found, left.survivors
	if s.opts.LastWords != nil {
		s.contained("last_words", func() { pm.LastWords = s.opts.LastWords() })
	}
	if s.opts.InFlight != nil {
		s.contained("in_flight", func() { pm.took(s.opts.InFlight(l.Number)) })
	}
	if s.opts.Limits != nil {
		s.contained("limits", func() { pm.Limits = s.opts.Limits(l.Number) })
	}
	r.lastWords, r.inFlight = pm.LastWords, pm.InFlightTotal
	asked := l.cause == event.CauseAsked || l.cause == event.CauseStop
	if s.opts.PostMortemDir != "" && s.cfg.PostMortems > 0 && !asked {
		r.postMortem, _ = pm.write(s.opts.PostMortemDir, s.cfg.PostMortems) // "" says that there is none
	}
	return r
}
