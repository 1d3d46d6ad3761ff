package proxy

import (
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/proxy/balance"
	"github.com/reeveproxy/reeve/proxy/member"
)

// Validate returns all that is wrong with the configuration, as
// config.Problems does.
func (c Config) Validate() error {
	var p config.Problems
	if c.MaxRequests != 0 && (c.MaxRequests < scoreboard.MinSlots || c.MaxRequests > scoreboard.MaxSlots) {
		p.Add("max_requests", "%d is outside %d to %d", c.MaxRequests, scoreboard.MinSlots, scoreboard.MaxSlots)
	}
	for i, h := range c.Hosts {
		if name, port, err := splitHost(h); err != nil || port != "" || name == "" {
			p.Add(config.Index("hosts", i), "%q is not a host name without a port", h)
		}
	}
	if c.StatusPath != "" {
		if canonical, err := canonicalPath(c.StatusPath); err != nil || canonical != c.StatusPath || len(c.StatusPath) < 2 {
			p.Add("status_path", "%q is not a plain path below /", c.StatusPath)
		}
	}
	validateNetworks(&p, "status_from", c.StatusFrom)
	validateNetworks(&p, "forwarded.trust", c.Forwarded.Trust)
	if c.AccessLog.Format != "" {
		if _, err := parseTemplate(c.AccessLog.Format, c.Name); err != nil {
			p.Add("access_log.format", "%v", err)
		}
	}
	if c.KeepAlive.Requests < 0 {
		p.Add("keep_alive.requests", "%d is below 1", c.KeepAlive.Requests)
	}
	for _, name := range sortedKeys(c.Pools) {
		p.Under(config.Join("pools", name), c.Pools[name].validate())
	}
	for i, r := range c.Routes {
		p.Under(config.Index("routes", i), r.validate(c.Pools))
	}
	return p.Err()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func validateNetworks(p *config.Problems, key string, texts []string) {
	for i, text := range texts {
		if _, err := parseNetworks([]string{text}); err != nil {
			p.Add(config.Index(key, i), "%v", err)
		}
	}
}

func (c PoolConfig) validate() error {
	var p config.Problems
	if c.Method != "" {
		if _, err := balance.Lookup(c.Method); err != nil {
			p.Add("method", "%v", err)
		}
	}
	if c.Host != "" && c.Host != "member" && c.Host != "client" {
		p.Add("host", "%q, want member or client", c.Host)
	}
	if len(c.Members) == 0 {
		p.Add("members", "a pool needs at least one member")
	}
	seen := map[string]int{}
	for i, m := range c.Members {
		p.Under(config.Index("members", i), m.validate())
		if first, ok := seen[m.label()]; ok {
			p.Add(config.Join(config.Index("members", i), "name"), "%q is the name of %s too", m.label(), config.Index("members", first))
		}
		seen[m.label()] = i
	}
	return p.Err()
}

func (m MemberConfig) validate() error {
	var p config.Problems
	if m.URL == "" {
		p.Add("url", "a member needs a URL such as http://10.0.0.1:8080")
	} else if _, err := member.ParseAddress(m.URL); err != nil {
		p.Add("url", "%v", err)
	}
	switch member.State(m.State) {
	case "", member.Active, member.Disabled, member.Drain:
	default:
		p.Add("state", "%q, want active, disabled or drain", m.State)
	}
	if m.Weight != 0 && (m.Weight < balance.MinWeight || m.Weight > balance.MaxWeight) {
		p.Add("weight", "%s is outside 1 to 100", m.Weight)
	}
	return p.Err()
}

func (r RouteConfig) validate(pools map[string]PoolConfig) error {
	var p config.Problems
	switch {
	case r.Deny != 0 && (r.Deny < 400 || r.Deny > 599):
		p.Add("deny", "%d is not a status from 400 to 599", r.Deny)
	case r.Deny != 0 && r.Pool != "":
		p.Add("pool", "a route that denies has no pool")
	case r.Deny == 0 && r.Pool == "":
		p.Add("pool", "a route needs a pool, or deny")
	case r.Pool != "":
		if _, ok := pools[r.Pool]; !ok {
			p.Add("pool", "no pool %q, there are: %s", r.Pool, strings.Join(sortedKeys(pools), ", "))
		}
	}
	if name, port, err := splitHost(strings.TrimPrefix(r.Host, "*.")); r.Host != "" && (err != nil || port != "" || name == "") {
		p.Add("host", "%q is neither a host name nor *.name", r.Host)
	}
	for i, m := range r.Methods {
		if !isPlainName(m) {
			p.Add(config.Index("methods", i), "%q is not a method", m)
		}
	}
	if r.Prefix != "" {
		if canonical, err := canonicalPath(r.Prefix); err != nil || canonical != r.Prefix {
			p.Add("prefix", "%q is not a plain path, so no path would match it", r.Prefix)
		}
	}
	if _, err := regexp.Compile(r.Path); err != nil {
		p.Add("path", "%v", err)
	}
	for _, name := range sortedKeys(r.Headers) {
		key := config.Join("headers", name)
		if !isPlainName(name) || isHop(textproto.CanonicalMIMEHeaderKey(name)) {
			p.Add(key, "%q is not a header that a route can see", name)
		}
		if _, err := regexp.Compile(r.Headers[name]); err != nil {
			p.Add(key, "%v", err)
		}
	}
	return p.Err()
}
