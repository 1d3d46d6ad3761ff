package watchdog

import (
	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/watchdog/runaway"
)

// Kind is how a probe asks.
type Kind string

// The kinds of probes.
const (
	HTTP Kind = "http" // a GET (or another method) of a URL
	TCP  Kind = "tcp"  // a connection to an address
	Exec Kind = "exec" // a command that must exit 0
)

// Role is what a probe's answer decides.
type Role string

// The roles of probes.
const (
	Startup   Role = "startup"   // the other roles wait for it; failing condemns the life
	Liveness  Role = "liveness"  // failing condemns the life, unless it is only overloaded
	Readiness Role = "readiness" // failing takes the life out of service, nothing more
)

// Config is the room's part of the file.
type Config struct {
	Probes     []ProbeConfig     `yaml:"probes" doc:"What is asked of the child to learn whether it works; none by default."`
	Usage      config.Duration   `yaml:"usage" default:"5s" min:"1s" max:"1h" doc:"How often the figures of the child's processes and of the host are read, 1s to 1h."`
	Disks      []string          `yaml:"disks" doc:"Folders whose file systems are watched for free space (disk.* metrics)."`
	Conditions []ConditionConfig `yaml:"conditions" doc:"What must not stay true of the figures; a condition with the name of a preset replaces it."`
	Presets    bool              `yaml:"presets" default:"true" doc:"Adds the conditions fd_share (child.fd_share > 90% for 10s) and swap_in (host.swap_in > 1MiB/s for 30s), which page."`
	Runaway    runaway.Config    `yaml:"runaway" doc:"Who serves the same request for too long, and its end."`
}

// ProbeConfig describes one probe. Its zero numbers mean the defaults.
type ProbeConfig struct {
	Name     string            `yaml:"name" doc:"The probe's name in events and status; its role, and a number where that is taken, where it has none."`
	Kind     Kind              `yaml:"kind" default:"http" enum:"http,tcp,exec" doc:"How the probe asks: http, tcp or exec. tcp sees a closed port only, never a hang: the kernel answers it."`
	Role     Role              `yaml:"role" default:"liveness" enum:"startup,liveness,readiness" doc:"What the answer decides: startup holds the others back and condemns, liveness condemns, readiness takes out of service."`
	URL      string            `yaml:"url" doc:"http: what to fetch, as http://127.0.0.1:8080/health. Redirects are answers, not followed."`
	Method   string            `yaml:"method" default:"GET" doc:"http: the method."`
	Headers  map[string]string `yaml:"headers" doc:"http: headers to send; Host sets the host name."`
	Status   string            `yaml:"status" default:"200-399" doc:"http: the status codes that pass, as 200 or 200-399 or 200,204,300-399."`
	Body     string            `yaml:"body" doc:"http: a regular expression that the first 64KiB of the body must match; empty for any body."`
	Insecure bool              `yaml:"insecure" default:"false" doc:"http: accepts any certificate of an https URL."`
	Address  string            `yaml:"address" doc:"tcp: where to connect, as 127.0.0.1:8080 or unix:/run/app.sock."`
	Command  []string          `yaml:"command" doc:"exec: the program and its arguments; passes where it exits 0. Its whole process group is killed at the timeout."`
	Period   config.Duration   `yaml:"period" default:"5s" min:"100ms" max:"1h" doc:"The time from one try to the next, 100ms to 1h."`
	Timeout  config.Duration   `yaml:"timeout" default:"2s" min:"10ms" max:"1h" doc:"How long an answer may take as a whole, at most one period."`
	Delay    config.Duration   `yaml:"delay" default:"0s" min:"0s" max:"24h" doc:"How long after the launch the first try comes at the earliest."`
	Rise     int               `yaml:"rise" default:"1" min:"1" max:"1000" doc:"Successes in a row after which the probe passes."`
	Fall     int               `yaml:"fall" default:"3" min:"1" max:"1000" doc:"Failures after which the probe fails: in a row, or among the last within tries."`
	Within   int               `yaml:"within" default:"0" min:"0" max:"1000" doc:"How many of the last tries fall counts in; 0 means that the failures must be in a row."`
}

// Action is what follows a condition that is raised.
type Action string

// The actions.
const (
	Page    Action = "page"    // the event alone, which pages
	Restart Action = "restart" // the event, and the life is condemned
)

// ConditionConfig describes one condition.
type ConditionConfig struct {
	Name   string          `yaml:"name" doc:"The condition's name in events and status; its metric where it has none."`
	Metric string          `yaml:"metric" doc:"The figure: child.rss, child.cpu, child.threads, child.processes, child.fds, child.fd_share, host.mem_available, host.mem_available_share, host.swap_in, host.load, disk.free, disk.used_share, requests.in_flight or restarts."`
	Path   string          `yaml:"path" doc:"disk.* only: the folder; empty for the worst of all watched ones."`
	Op     string          `yaml:"op" default:">" enum:">,<,>=,<=" doc:"How the figure is compared with the value."`
	Value  string          `yaml:"value" doc:"The limit in the metric's unit: 200MiB, 80%, 1MiB/s or a plain number."`
	Clear  string          `yaml:"clear" doc:"Where the figure must be back for the condition to clear; empty for a tenth of the value on the safe side of it."`
	For    config.Duration `yaml:"for" default:"30s" min:"0s" max:"24h" doc:"How long it must hold, at every reading, to be raised, and be over to be cleared; 0 for one reading."`
	Action Action          `yaml:"action" default:"page" enum:"page,restart" doc:"What follows: page, or restart, which condemns the life as well."`
}
