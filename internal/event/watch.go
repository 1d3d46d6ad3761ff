package event

import "time"

// ProbeFailed: a probe reached its failure threshold.
type ProbeFailed struct {
	Life     uint64 `json:"life"`
	Probe    string `json:"probe"`
	Role     string `json:"role"` // startup, liveness or readiness
	Failures int    `json:"failures"`
	Last     string `json:"last"`
}

// Subject is the probe's name.
func (e ProbeFailed) Subject() string { return e.Probe }

// ProbeRecovered: a failed probe passed as often as it must.
type ProbeRecovered struct {
	Life  uint64 `json:"life"`
	Probe string `json:"probe"`
	Role  string `json:"role"`
}

// Subject is the probe's name.
func (e ProbeRecovered) Subject() string { return e.Probe }

// ChildOverloaded: a liveness probe fails while the life goes on completing
// requests, so it is taken out of service and not restarted.
type ChildOverloaded struct {
	Life     uint64 `json:"life"`
	Probe    string `json:"probe"`
	Failures int    `json:"failures"`
	Last     string `json:"last"`
}

// Subject is the probe's name.
func (e ChildOverloaded) Subject() string { return e.Probe }

// RequestWarned: a request has used most of the time it may take.
type RequestWarned struct {
	Life   uint64        `json:"life"`
	ID     uint64        `json:"id"`
	Method string        `json:"method"`
	Path   string        `json:"path"` // query cut
	Client string        `json:"client"`
	Member string        `json:"member,omitempty"`
	Age    time.Duration `json:"age"`
	Bytes  uint64        `json:"bytes"`
}

// RequestKilled: a request that took too long was ended.
type RequestKilled struct {
	Life   uint64        `json:"life"`
	ID     uint64        `json:"id"`
	By     string        `json:"by"` // "proxy" (its route's total time), "watchdog" or "operator"
	Method string        `json:"method"`
	Path   string        `json:"path"` // query cut
	Client string        `json:"client"`
	Member string        `json:"member,omitempty"`
	Age    time.Duration `json:"age"`
	Bytes  uint64        `json:"bytes"` // of the reply, so far
	DryRun bool          `json:"dry_run,omitempty"`
}

// RequestStuck: a killed request was still there after its grace.
type RequestStuck struct {
	Life   uint64        `json:"life"`
	ID     uint64        `json:"id"`
	Method string        `json:"method"`
	Path   string        `json:"path"`
	Age    time.Duration `json:"age"`
}

// SourceUnreadable: a scoreboard could not be read three times in a row, so
// runaway requests are not seen.
type SourceUnreadable struct {
	Source string `json:"source"`
	Error  string `json:"error"`
}

// Subject is the source's name.
func (e SourceUnreadable) Subject() string { return e.Source }

// SourceReadable: the scoreboard can be read again.
type SourceReadable struct {
	Source string `json:"source"`
}

// Subject is the source's name.
func (e SourceReadable) Subject() string { return e.Source }

// ConditionRaised: a configured condition held for its whole duration.
type ConditionRaised struct {
	Condition string  `json:"condition"`
	Metric    string  `json:"metric"`
	Value     float64 `json:"value"`
	Limit     float64 `json:"limit"`
	Action    string  `json:"action"`
}

// Subject is the condition's name.
func (e ConditionRaised) Subject() string { return e.Condition }

// ConditionCleared: a raised condition no longer holds.
type ConditionCleared struct {
	Condition string  `json:"condition"`
	Metric    string  `json:"metric"`
	Value     float64 `json:"value"`
}

// Subject is the condition's name.
func (e ConditionCleared) Subject() string { return e.Condition }

// MemberDown: the proxy stopped sending requests to a member.
type MemberDown struct {
	Pool   string `json:"pool"`
	Member string `json:"member"`
	Reason string `json:"reason"`
}

// Subject is pool/member.
func (e MemberDown) Subject() string { return e.Pool + "/" + e.Member }

// MemberUp: the member takes requests again.
type MemberUp struct {
	Pool   string        `json:"pool"`
	Member string        `json:"member"`
	Down   time.Duration `json:"down"`
}

// Subject is pool/member.
func (e MemberUp) Subject() string { return e.Pool + "/" + e.Member }

// PoolEmpty: no member of a pool can take a request.
type PoolEmpty struct {
	Pool string `json:"pool"`
}

// Subject is the pool's name.
func (e PoolEmpty) Subject() string { return e.Pool }

// PoolServing: an empty pool has a member again.
type PoolServing struct {
	Pool string `json:"pool"`
}

// Subject is the pool's name.
func (e PoolServing) Subject() string { return e.Pool }

// ScoreboardFull: a request was refused because every slot was taken.
type ScoreboardFull struct {
	Slots int `json:"slots"`
}

func (ProbeFailed) Kind() string      { return "probe_failed" }
func (ProbeRecovered) Kind() string   { return "probe_recovered" }
func (ChildOverloaded) Kind() string  { return "child_overloaded" }
func (RequestWarned) Kind() string    { return "request_warned" }
func (RequestKilled) Kind() string    { return "request_killed" }
func (RequestStuck) Kind() string     { return "request_stuck" }
func (SourceUnreadable) Kind() string { return "source_unreadable" }
func (SourceReadable) Kind() string   { return "source_readable" }
func (ConditionRaised) Kind() string  { return "condition_raised" }
func (ConditionCleared) Kind() string { return "condition_cleared" }
func (MemberDown) Kind() string       { return "member_down" }
func (MemberUp) Kind() string         { return "member_up" }
func (PoolEmpty) Kind() string        { return "pool_empty" }
func (PoolServing) Kind() string      { return "pool_serving" }
func (ScoreboardFull) Kind() string   { return "scoreboard_full" }
