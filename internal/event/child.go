package event

import "time"

// Cause says why reeve ended or restarted a life.
type Cause string

// The causes. They appear in events, metrics and archive names.
const (
	CauseExit      Cause = "exit"      // it ended by itself
	CauseCondemned Cause = "condemned" // a guard (probe, runaway, condition) condemned it
	CauseAsked     Cause = "asked"     // an operator asked
	CauseStop      Cause = "stop"      // reeve itself stops
)

// ReeveStarted opens the timeline.
type ReeveStarted struct {
	Version string `json:"version"`
	PID     int    `json:"pid"`
	Service string `json:"service"`
	Config  string `json:"config,omitempty"` // path; empty for a start without a file
}

// ReeveStopping: reeve was told to stop, and takes the child down first.
type ReeveStopping struct {
	Reason string `json:"reason"`
}

// ReeveStopped is the last event of a clean stop.
type ReeveStopped struct {
	ExitCode int `json:"exit_code"`
}

// ChildLaunched: a life began; it is not known to be healthy yet.
type ChildLaunched struct {
	Life    uint64 `json:"life"`
	PID     int    `json:"pid"`
	Program string `json:"program"`
}

// ChildReady: the life said READY=1 or passed its readiness probes.
type ChildReady struct {
	Life  uint64        `json:"life"`
	PID   int           `json:"pid"`
	After time.Duration `json:"after"` // since launch
	By    string        `json:"by"`    // "notify", or the name of the probe
	// Untold is the number of changes of readiness, either way, since the last
	// that was told: those of a life that flips too often to tell each.
	Untold int `json:"untold,omitempty"`
}

// ChildUnready: a ready life stopped being ready while it still runs.
type ChildUnready struct {
	Life   uint64 `json:"life"`
	Reason string `json:"reason"`
	Untold int    `json:"untold,omitempty"` // as in ChildReady
}

// ChildHealthy: the life stayed ready for the whole reset time, so the restart
// budget is full again and incidents about restarts are over.
type ChildHealthy struct {
	Life uint64        `json:"life"`
	For  time.Duration `json:"for"`
}

// ChildCondemned: a guard decided that the life is not worth living.
type ChildCondemned struct {
	Life   uint64 `json:"life"`
	Guard  string `json:"guard"`
	Reason string `json:"reason"`
}

// ChildStopping: the stop signal went to the child's process group.
type ChildStopping struct {
	Life   uint64        `json:"life"`
	Signal string        `json:"signal"`
	Within time.Duration `json:"within"` // until KILL
	Cause  Cause         `json:"cause"`
}

// ChildKilled: the stop deadline passed and KILL was sent.
type ChildKilled struct {
	Life  uint64        `json:"life"`
	After time.Duration `json:"after"` // since the stop signal
}

// ChildStopped: a life ended because reeve ended it.
type ChildStopped struct {
	Life       uint64        `json:"life"`
	PID        int           `json:"pid"`
	Status     string        `json:"status"` // "exit 0", "signal KILL"
	Uptime     time.Duration `json:"uptime"`
	Cause      Cause         `json:"cause"`
	PostMortem string        `json:"post_mortem,omitempty"` // path of the report; of a condemned life only
}

// ChildDied: a life ended by itself, whatever its exit status.
type ChildDied struct {
	Life       uint64        `json:"life"`
	PID        int           `json:"pid"`
	Status     string        `json:"status"`
	Uptime     time.Duration `json:"uptime"`
	InFlight   int           `json:"in_flight"`             // requests it took with it
	LastWords  string        `json:"last_words,omitempty"`  // the last line it wrote to stderr
	PostMortem string        `json:"post_mortem,omitempty"` // path of the report
	Left       int           `json:"left,omitempty"`        // processes it left behind, which were ended; a daemon leaves some
}

// ChildLaunchFailed: no process could be made, or exec failed in it.
type ChildLaunchFailed struct {
	Life  uint64 `json:"life"`
	Error string `json:"error"`
}

// ChildBackedOff: reeve waits before the next life.
type ChildBackedOff struct {
	Life     uint64        `json:"life"` // the one that ended
	Wait     time.Duration `json:"wait"`
	Failures int           `json:"failures"` // in a row
}

// ChildRested: restarts did not help, so reeve now tries slowly.
type ChildRested struct {
	Failures int           `json:"failures"`
	Wait     time.Duration `json:"wait"`
	Last     string        `json:"last"`
}

// ChildGivenUp: the configured number of failures is reached; reeve exits 10.
type ChildGivenUp struct {
	Failures int    `json:"failures"`
	Last     string `json:"last"`
}

// TreeSurvived: processes of a dead life could not be ended.
type TreeSurvived struct {
	Life uint64 `json:"life"`
	PIDs []int  `json:"pids"`
}

// OrphanReaped: reeve collected a process that somebody else left behind.
type OrphanReaped struct {
	PID    int    `json:"pid"`
	Status string `json:"status"`
}

// SignalForwarded: an operator's signal was handed to the child.
type SignalForwarded struct {
	Signal string `json:"signal"`
	Life   uint64 `json:"life"`
}

// NotifyRefused: a datagram on the notify socket came from a process that is
// not of the child's tree, or could not be read.
type NotifyRefused struct {
	PID    int    `json:"pid"`
	Reason string `json:"reason"`
}

// LimitsVerified: the kernel holds every wanted limit for this life.
type LimitsVerified struct {
	Life  uint64 `json:"life"`
	Count int    `json:"count"`
}

// LimitMismatched: the kernel holds another limit than the one wanted.
type LimitMismatched struct {
	Life  uint64 `json:"life"`
	Limit string `json:"limit"`
	Want  string `json:"want"`
	Got   string `json:"got"`
}

// Subject is the limit's name.
func (e LimitMismatched) Subject() string { return e.Limit }

// GuardPanicked: a part of reeve that watches the child failed by a panic; it
// was restarted.
type GuardPanicked struct {
	Guard string `json:"guard"`
	Value string `json:"value"`
}

func (ReeveStarted) Kind() string      { return "reeve_started" }
func (ReeveStopping) Kind() string     { return "reeve_stopping" }
func (ReeveStopped) Kind() string      { return "reeve_stopped" }
func (ChildLaunched) Kind() string     { return "child_launched" }
func (ChildReady) Kind() string        { return "child_ready" }
func (ChildUnready) Kind() string      { return "child_unready" }
func (ChildHealthy) Kind() string      { return "child_healthy" }
func (ChildCondemned) Kind() string    { return "child_condemned" }
func (ChildStopping) Kind() string     { return "child_stopping" }
func (ChildKilled) Kind() string       { return "child_killed" }
func (ChildStopped) Kind() string      { return "child_stopped" }
func (ChildDied) Kind() string         { return "child_died" }
func (ChildLaunchFailed) Kind() string { return "child_launch_failed" }
func (ChildBackedOff) Kind() string    { return "child_backed_off" }
func (ChildRested) Kind() string       { return "child_rested" }
func (ChildGivenUp) Kind() string      { return "child_given_up" }
func (TreeSurvived) Kind() string      { return "tree_survived" }
func (OrphanReaped) Kind() string      { return "orphan_reaped" }
func (SignalForwarded) Kind() string   { return "signal_forwarded" }
func (NotifyRefused) Kind() string     { return "notify_refused" }
func (LimitsVerified) Kind() string    { return "limits_verified" }
func (LimitMismatched) Kind() string   { return "limit_mismatched" }
func (GuardPanicked) Kind() string     { return "guard_panicked" }
