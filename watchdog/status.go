package watchdog

import "time"

// Status is what the watchdog knows at one moment.
type Status struct {
	Life       uint64            `json:"life"` // the life last watched; 0 before the first
	Ready      bool              `json:"ready"`
	Probes     []ProbeStatus     `json:"probes"`
	Usage      Usage             `json:"usage"`
	Conditions []ConditionStatus `json:"conditions"`
}

// State is what a probe has found.
type State string

// The states of a probe.
const (
	Waiting    State = "waiting"    // not asked yet: its delay or a startup probe holds it back
	Unknown    State = "unknown"    // asked, and neither risen nor fallen yet
	Passing    State = "passing"    // passed as often as it must
	Failing    State = "failing"    // reached its failure threshold
	Overloaded State = "overloaded" // failing, while the life still completes requests
)

// ProbeStatus is what is known of one probe in the present life.
type ProbeStatus struct {
	Name      string        `json:"name"`
	Kind      Kind          `json:"kind"`
	Role      Role          `json:"role"`
	State     State         `json:"state"`
	Last      string        `json:"last"`    // the last answer: "ok", or the error
	Latency   time.Duration `json:"latency"` // of the last answer, in nanoseconds
	At        time.Time     `json:"at"`      // of the last answer; zero before the first
	Successes uint64        `json:"successes"`
	Failures  uint64        `json:"failures"`
}

// ConditionStatus is what is known of one condition.
type ConditionStatus struct {
	Name   string    `json:"name"`
	Metric string    `json:"metric"`
	Value  float64   `json:"value"` // the last reading, in bytes, percent, bytes a second or a number
	Known  bool      `json:"known"` // false where the figure could not be read
	Limit  float64   `json:"limit"`
	Raised bool      `json:"raised"`
	Since  time.Time `json:"since,omitzero"` // when it was raised
}

// Usage is the figures of the child's processes and of the host, as last read.
// A figure that the machine does not give is 0.
type Usage struct {
	At        time.Time `json:"at"`        // of the reading; zero before the first
	Processes int       `json:"processes"` // the child and all its descendants
	RSS       uint64    `json:"rss"`       // bytes, summed; shared pages count in each process
	CPU       float64   `json:"cpu"`       // percent of one core, since the reading before
	Threads   int       `json:"threads"`
	FDs       int       `json:"fds"`      // open files, summed
	FDShare   float64   `json:"fd_share"` // percent of its soft limit that the fullest process has open

	MemTotal     uint64      `json:"mem_total"`     // bytes
	MemAvailable uint64      `json:"mem_available"` // bytes
	SwapIn       float64     `json:"swap_in"`       // bytes a second
	Load         float64     `json:"load"`          // over one minute
	Disks        []DiskUsage `json:"disks"`
}

// DiskUsage is the room on one file system.
type DiskUsage struct {
	Path  string  `json:"path"`
	Total uint64  `json:"total"` // bytes
	Free  uint64  `json:"free"`  // bytes that an ordinary user can have
	Used  float64 `json:"used"`  // percent
}
