package supervisor

import "time"

// Status is a consistent snapshot of the supervisor.
type Status struct {
	State     State     `json:"state"`
	Life      uint64    `json:"life"`             // the newest life, 0 before the first
	PID       int       `json:"pid,omitempty"`    // 0 while no child runs
	Program   string    `json:"program"`          // Options.Program
	Started   time.Time `json:"started,omitzero"` // of the current life
	Ready     bool      `json:"ready"`            // false the moment the child is down or stopping
	ReadyBy   string    `json:"ready_by,omitempty"`
	Unready   string    `json:"unready,omitempty"` // why a life that was ready is not
	Restarts  uint64    `json:"restarts"`          // lives after the first
	Failures  int       `json:"failures"`          // in a row
	NextTry   time.Time `json:"next_try,omitzero"` // while in backoff or resting
	LastExit  string    `json:"last_exit,omitempty"`
	LastError string    `json:"last_error,omitempty"` // of the last launch that failed
	Condemned string    `json:"condemned,omitempty"`  // why the last condemned life was
	Text      string    `json:"text,omitempty"`       // the child's own STATUS=
	Guarantee string    `json:"guarantee"`            // how surely a stop ends the whole tree: subreaper or group
	Orphans   uint64    `json:"orphans_reaped"`
	Refused   uint64    `json:"notify_refused"`
}
