package watchdog

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/reeveproxy/reeve/internal/config"
)

// Validate returns all that the tags cannot say.
func (c Config) Validate() error {
	var p config.Problems
	names := map[string]bool{}
	for i, probe := range c.complete().Probes {
		key := config.Index("probes", i)
		if names[probe.Name] {
			p.Add(key+".name", "%q names two probes", probe.Name)
		}
		names[probe.Name] = true
		p.Under(key, probe.validate())
	}
	names = map[string]bool{}
	for i, condition := range c.Conditions {
		key := config.Index("conditions", i)
		if names[condition.name()] {
			p.Add(key+".name", "%q names two conditions", condition.name())
		}
		names[condition.name()] = true
		p.Under(key, condition.validate())
	}
	for i, path := range c.Disks {
		if path == "" {
			p.Add(config.Index("disks", i), "names no folder")
		}
	}
	p.Under("runaway", c.Runaway.Validate())
	return p.Err()
}

// complete returns the configuration with the defaults of probes filled in,
// and a name for each.
func (c Config) complete() Config {
	preset := config.Default[ProbeConfig]()
	c.Probes = slices.Clone(c.Probes)
	taken := map[string]int{}
	for i := range c.Probes {
		p := &c.Probes[i]
		p.Kind, p.Role = or(p.Kind, preset.Kind), or(p.Role, preset.Role)
		p.Method, p.Status = or(p.Method, preset.Method), or(p.Status, preset.Status)
		p.Period, p.Timeout = or(p.Period, preset.Period), or(p.Timeout, preset.Timeout)
		p.Rise, p.Fall = or(p.Rise, preset.Rise), or(p.Fall, preset.Fall)
		if p.Name == "" {
			p.Name = string(p.Role)
			if taken[p.Name]++; taken[p.Name] > 1 {
				p.Name += strconv.Itoa(taken[p.Name])
			}
		}
	}
	if c.Usage <= 0 {
		c.Usage = config.Default[Config]().Usage
	}
	return c
}

func or[T comparable](v, preset T) T {
	var zero T
	if v == zero {
		return preset
	}
	return v
}

func (c ProbeConfig) validate() error {
	var p config.Problems
	switch c.Role {
	case Startup, Liveness, Readiness:
	default:
		p.Add("role", "%q is not startup, liveness or readiness", c.Role)
	}
	if c.Timeout > c.Period {
		p.Add("timeout", "%s is longer than the period of %s", c.Timeout, c.Period)
	}
	for key, n := range map[string]int64{"period": int64(c.Period), "timeout": int64(c.Timeout), "delay": int64(c.Delay), "rise": int64(c.Rise), "fall": int64(c.Fall), "within": int64(c.Within)} {
		if n < 0 {
			p.Add(key, "is below 0")
		}
	}
	if c.Within > 0 && c.Within < c.Fall {
		p.Add("within", "%d failures cannot be among %d tries", c.Fall, c.Within)
	}
	switch c.Kind {
	case HTTP:
		c.validateHTTP(&p)
	case TCP:
		if path, unix := strings.CutPrefix(c.Address, "unix:"); unix {
			if path == "" {
				p.Add("address", "%q names no socket", c.Address)
			}
		} else if _, port, err := net.SplitHostPort(c.Address); err != nil || port == "" {
			p.Add("address", "%q is not host:port or unix:/path", c.Address)
		}
	case Exec:
		if len(c.Command) == 0 || c.Command[0] == "" {
			p.Add("command", "an exec probe needs a program")
		}
	default:
		p.Add("kind", "%q is not http, tcp or exec", c.Kind)
	}
	return p.Err()
}

func (c ProbeConfig) validateHTTP(p *config.Problems) {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		p.Add("url", "an http probe needs one, such as http://127.0.0.1:8080/health")
	case err != nil:
		p.Add("url", "%v", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		p.Add("url", "%q is not http://host/path or https://host/path", c.URL)
	default:
		if _, err := http.NewRequest(c.Method, c.URL, nil); err != nil {
			p.Add("method", "%v", err)
		}
	}
	if _, err := parseStatus(c.Status); err != nil {
		p.Add("status", "%v", err)
	}
	if _, err := regexp.Compile(c.Body); err != nil {
		p.Add("body", "%v", err)
	}
	for name, value := range c.Headers {
		if !headerName.MatchString(name) || strings.ContainsAny(value, "\r\n\x00") {
			p.Add("headers", "%q: %q is not a header", name, value)
		}
	}
}

// headerName is the token of RFC 9110.
var headerName = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")

// codes are inclusive ranges of status codes.
type codes [][2]int

func (c codes) has(code int) bool {
	return slices.ContainsFunc(c, func(r [2]int) bool { return r[0] <= code && code <= r[1] })
}

// parseStatus reads "200", "200-399" and lists of them.
func parseStatus(text string) (codes, error) {
	var out codes
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < 100 || to > 599 || from > to {
			return nil, fmt.Errorf("%q is not a status code from 100 to 599 or a range of them", part)
		}
		out = append(out, [2]int{from, to})
	}
	return out, nil
}
