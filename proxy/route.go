package proxy

import (
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"
)

// question is what routes decide by.
type question struct {
	method  string
	host    string // in lower case, without a port
	path    string // canonical, without the query
	headers map[string][]string
}

// route is one compiled RouteConfig.
type route struct {
	host    string // ".example.org" for *.example.org
	methods []string
	prefix  string
	path    *regexp.Regexp
	headers []headerRule
	pool    string
	deny    int
	total   time.Duration
}

type headerRule struct {
	name  string
	value *regexp.Regexp
}

// compileRoute needs a configuration that validated.
func compileRoute(c RouteConfig) (route, error) {
	r := route{
		host: strings.TrimPrefix(strings.ToLower(c.Host), "*"), prefix: c.Prefix,
		pool: c.Pool, deny: c.Deny, total: c.Total.Std(),
	}
	for _, m := range c.Methods {
		r.methods = append(r.methods, strings.ToUpper(m))
	}
	if slices.Contains(r.methods, "GET") && !slices.Contains(r.methods, "HEAD") {
		r.methods = append(r.methods, "HEAD")
	}
	if c.Path != "" {
		re, err := regexp.Compile(c.Path)
		if err != nil {
			return route{}, err
		}
		r.path = re
	}
	for name, pattern := range c.Headers {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return route{}, err
		}
		r.headers = append(r.headers, headerRule{textproto.CanonicalMIMEHeaderKey(name), re})
	}
	return r, nil
}

// matchRoute returns the first route that matches, or nil.
func matchRoute(routes []route, q *question) *route {
	for i := range routes {
		if routes[i].matches(q) {
			return &routes[i]
		}
	}
	return nil
}

func (r *route) matches(q *question) bool {
	if r.methods != nil && !slices.Contains(r.methods, q.method) {
		return false
	}
	if r.host != "" && !hostMatches(r.host, q.host) {
		return false
	}
	if r.prefix != "" && !underPrefix(q.path, r.prefix) {
		return false
	}
	if r.path != nil && !r.path.MatchString(q.path) {
		return false
	}
	for _, h := range r.headers {
		if !slices.ContainsFunc(q.headers[h.name], h.value.MatchString) {
			return false
		}
	}
	return true
}

func hostMatches(pattern, host string) bool {
	if pattern[0] == '.' {
		return len(host) > len(pattern) && strings.HasSuffix(host, pattern)
	}
	return host == pattern
}

// underPrefix compares by whole segments.
func underPrefix(path, prefix string) bool {
	if !strings.HasPrefix(path, prefix) {
		return false
	}
	return len(path) == len(prefix) || prefix[len(prefix)-1] == '/' || path[len(prefix)] == '/'
}
