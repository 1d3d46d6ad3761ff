package pager

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

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
	Name        string            `yaml:"name" doc:"Name of the receiver, in events and status: letters, digits, - and _, at most 64."`
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

var receiverName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate returns all that is wrong with the room, as config.Problems.
func (c Config) Validate() error {
	var p config.Problems
	names := map[string]bool{}
	for i, r := range c.Receivers {
		key := config.Index("receivers", i)
		p.Under(key, r.Validate())
		if r.Name != "" && names[r.Name] {
			p.Add(key+".name", "%q is the name of another receiver", r.Name)
		}
		names[r.Name] = true
	}
	if c.Retry.Initial > c.Retry.Max && c.Retry.Max != 0 {
		p.Add("retry.initial", "%s is longer than retry.max, which is %s", c.Retry.Initial, c.Retry.Max)
	}
	return p.Err()
}

// Validate returns all that is wrong with the receiver. It never prints the URL.
func (r ReceiverConfig) Validate() error {
	var p config.Problems
	if !receiverName.MatchString(r.Name) {
		p.Add("name", "%q is not a name of 1 to 64 letters, digits, - and _", r.Name)
	}
	switch r.Kind {
	case KindAlertmanager, KindWebhook:
		r.validateHTTP(&p)
	case KindCommand:
		if len(r.Command) == 0 || r.Command[0] == "" {
			p.Add("command", "a receiver of kind command needs a program")
		}
		if r.URL != "" || r.URLFile != "" || len(r.Headers) > 0 {
			p.Add("kind", "a receiver of kind command takes no url, url_file or headers")
		}
	default:
		p.Add("kind", "%q is none of alertmanager, webhook, command", r.Kind)
	}
	if r.Template != "" {
		if r.Kind != KindWebhook {
			p.Add("template", "only a receiver of kind webhook takes a template")
		} else if _, err := parseTemplate(r.Template); err != nil {
			p.Add("template", "%v", err)
		}
	}
	if _, ok := severities[r.MinSeverity]; r.MinSeverity != "" && !ok {
		p.Add("min_severity", "%q is none of info, warning, urgent, critical", r.MinSeverity)
	}
	return p.Err()
}

func (r ReceiverConfig) validateHTTP(p *config.Problems) {
	if len(r.Command) > 0 {
		p.Add("command", "a receiver of kind %s takes no command", r.Kind)
	}
	switch {
	case r.URL != "" && r.URLFile != "":
		p.Add("url", "give url or url_file, not both")
	case r.URL == "" && r.URLFile == "":
		p.Add("url", "a receiver of kind %s needs url or url_file", r.Kind)
	case r.URL != "":
		if _, err := parseURL(r.URL); err != nil {
			p.Add("url", "%v", err)
		}
	}
	for name, value := range r.Headers {
		if name == "" || strings.ContainsAny(name, " \t\r\n:") || strings.ContainsAny(value, "\r\n") {
			p.Add("headers", "%q is not a header of one line", name)
		}
	}
}

// parseURL never has the URL in its error: a token may be in any part of it.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errBadURL
	}
	return u, nil
}

// withDefaults fills what a Config that was not read from a file leaves at 0.
func (c Config) withDefaults() Config {
	d := config.Default[Config]()
	c.Repeat = orElse(c.Repeat, d.Repeat)
	c.Retry.Initial = orElse(c.Retry.Initial, d.Retry.Initial)
	c.Retry.Max = max(orElse(c.Retry.Max, d.Retry.Max), c.Retry.Initial)
	c.SpoolMax = orElse(c.SpoolMax, d.SpoolMax)
	c.MaxAge = orElse(c.MaxAge, d.MaxAge)
	receivers := make([]ReceiverConfig, len(c.Receivers))
	rd := config.Default[ReceiverConfig]()
	for i, r := range c.Receivers {
		r.Timeout = orElse(r.Timeout, rd.Timeout)
		r.MinSeverity = orElse(r.MinSeverity, rd.MinSeverity)
		r.Budget.PerMinute = orElse(r.Budget.PerMinute, rd.Budget.PerMinute)
		r.Budget.PerHour = orElse(r.Budget.PerHour, rd.Budget.PerHour)
		receivers[i] = r
	}
	c.Receivers = receivers
	return c
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// alertLife is how long an Alertmanager keeps an alert that is not sent again.
func (c Config) alertLife() time.Duration { return 4 * c.Repeat.Std() }
