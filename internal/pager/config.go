package pager

import "github.com/reeveproxy/reeve/internal/config"

// The kinds of receivers.
const (
	KindAlertmanager = "alertmanager"
	KindWebhook      = "webhook"
	KindCommand      = "command"
)

// Config is the room "pager" of the configuration file.
type Config struct {
	Receivers []ReceiverConfig `yaml:"receivers" doc:"Who is told. Without any, incidents are shown in the status only."`
	Repeat    config.Duration  `yaml:"repeat" default:"30m" min:"1m" doc:"How often an open incident is told again to webhooks and commands; Alertmanager repeats by itself."`
	Retry     RetryConfig      `yaml:"retry" doc:"How a page is tried again at a receiver that could not be reached."`
	SpoolMax  int              `yaml:"spool_max" default:"1000" min:"1" max:"100000" doc:"Most pages that wait for one receiver; past it the oldest is dropped and told."`
	MaxAge    config.Duration  `yaml:"max_age" default:"24h" min:"1m" doc:"A page that waited this long is dropped and told."`
}

// RetryConfig is the backoff of one receiver.
type RetryConfig struct {
	Initial config.Duration `yaml:"initial" default:"1s" min:"10ms" doc:"Wait before the second try; doubled for each further one."`
	Max     config.Duration `yaml:"max" default:"1m" min:"10ms" doc:"Longest wait between two tries. A fifth of each wait is random."`
}

// ReceiverConfig is one receiver of pages.
type ReceiverConfig struct {
	Name        string            `yaml:"name" doc:"Name of the receiver, in events and status: letters, digits, - and _."`
	Kind        string            `yaml:"kind" enum:"alertmanager,webhook,command" doc:"How it is told."`
	URL         string            `yaml:"url" secret:"true" doc:"Where: the base URL of an Alertmanager, or the URL that a webhook is posted to."`
	URLFile     string            `yaml:"url_file" doc:"File that holds the URL, read for each page, so that a secret need not stand here."`
	Headers     map[string]string `yaml:"headers" secret:"true" doc:"Headers of each HTTP request."`
	Template    string            `yaml:"template" doc:"Body of a webhook as a Go text/template over the page, with the function json; empty is the page as JSON."`
	Command     []string          `yaml:"command" doc:"Program and arguments; the page is JSON on its standard input and in REEVE_PAGE_* variables."`
	Timeout     config.Duration   `yaml:"timeout" default:"10s" min:"100ms" max:"5m" doc:"Longest time for one try; a command is killed with all it started."`
	MinSeverity string            `yaml:"min_severity" default:"urgent" enum:"info,warning,urgent,critical" doc:"Incidents below it are not told here."`
	Budget      BudgetConfig      `yaml:"budget" doc:"Most deliveries to a webhook or command; what is over waits and comes together in one."`
}

// BudgetConfig keeps a storm of incidents from becoming a storm of pages.
type BudgetConfig struct {
	PerMinute int `yaml:"per_minute" default:"6" min:"1" doc:"Most deliveries in any minute."`
	PerHour   int `yaml:"per_hour" default:"60" min:"1" doc:"Most deliveries in any hour."`
}

// Validate returns all that is wrong with the room, as config.Problems.
func (c Config) Validate() error { return nil }
