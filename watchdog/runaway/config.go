package runaway

import "github.com/reeveproxy/reeve/internal/config"

// Config is the part watchdog.runaway of the file.
type Config struct {
	Timeout config.Duration `yaml:"timeout" default:"180s" min:"0s" max:"24h" doc:"The age past which a request is killed, whatever its own limit says; 0 turns the hunt off."`
	Poll    config.Duration `yaml:"poll" default:"1s" min:"100ms" max:"1m" doc:"How often the requests in flight are looked at, 100ms to 1m."`
	Grace   config.Duration `yaml:"grace" default:"10s" min:"1s" max:"10m" doc:"How long a killed request may take to go; one that is still there then condemns its life."`
	Warn    float64         `yaml:"warn" default:"0.8" min:"0" max:"1" doc:"The share of the timeout past which a request is warned about once, 0 to 1; 0 for no warnings."`
	DryRun  bool            `yaml:"dry_run" default:"false" doc:"Tells what would be killed and kills nothing."`
	Exempt  []string        `yaml:"exempt" doc:"Path prefixes of requests that may take for ever, such as /events."`
}

// Validate returns all that the tags cannot say.
func (c Config) Validate() error {
	var p config.Problems
	for i, prefix := range c.Exempt {
		if len(prefix) == 0 || prefix[0] != '/' {
			p.Add(config.Index("exempt", i), "%q must begin with /", prefix)
		}
	}
	if c.Timeout > 0 && c.Poll > c.Timeout {
		p.Add("poll", "%s is longer than the timeout of %s", c.Poll, c.Timeout)
	}
	return p.Err()
}
