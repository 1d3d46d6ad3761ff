package event

// PageSent: a receiver took a page.
type PageSent struct {
	Receiver string `json:"receiver"`
	Incident string `json:"incident"` // the dedup key
	State    string `json:"state"`    // firing or resolved
	Attempts int    `json:"attempts"`
}

// PageFailed: a receiver could not be reached; the page stays in the spool and
// is tried again. Told once per outage of a receiver.
type PageFailed struct {
	Receiver string `json:"receiver"`
	Incident string `json:"incident"`
	Error    string `json:"error"`
	Spooled  int    `json:"spooled"` // pages that wait
}

// PageDropped: a page left the spool unsent, for age or for want of room.
type PageDropped struct {
	Receiver string `json:"receiver"`
	Incident string `json:"incident"`
	Reason   string `json:"reason"`
}

// PageTested: an operator asked for a test page.
type PageTested struct {
	By string `json:"by"`
}

// ConfigReloaded: a new configuration is in force.
type ConfigReloaded struct {
	Config  string `json:"config"`
	Changed string `json:"changed"` // what took effect, in words
}

// ConfigRefused: a new configuration has problems; the old one stays in force.
type ConfigRefused struct {
	Config string `json:"config"`
	Error  string `json:"error"`
}

// CommandTaken: an operator's command changed something over the control socket.
type CommandTaken struct {
	Command string `json:"command"`
	UID     int    `json:"uid"`
	PID     int    `json:"pid"`
}

// EventsMissed: a consumer of the timeline fell behind and lost records.
type EventsMissed struct {
	Consumer string `json:"consumer"`
	Count    uint64 `json:"count"`
}

// Subject is the consumer's name.
func (e EventsMissed) Subject() string { return e.Consumer }

func (PageSent) Kind() string       { return "page_sent" }
func (PageFailed) Kind() string     { return "page_failed" }
func (PageDropped) Kind() string    { return "page_dropped" }
func (PageTested) Kind() string     { return "page_tested" }
func (ConfigReloaded) Kind() string { return "config_reloaded" }
func (ConfigRefused) Kind() string  { return "config_refused" }
func (CommandTaken) Kind() string   { return "command_taken" }
func (EventsMissed) Kind() string   { return "events_missed" }
