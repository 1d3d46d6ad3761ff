package proxy

import (
	"strings"

	"github.com/reeveproxy/reeve/proxy/member"
)

func defaultPort(scheme string) string {
	if strings.EqualFold(scheme, "https") {
		return "443"
	}
	return "80"
}

// reverser turns what names a member of a pool into what names the proxy.
type reverser struct {
	members []member.Address
}

// public is how the client knows the proxy.
type public struct {
	scheme string
	host   string // with its port, if the client gave one
}

// location maps the URL of a Location, Content-Location, URI or Destination
// header. self is the member that answered.
func (rv reverser) location(value string, self *member.Address, to public) string {
	scheme, rest, ok := strings.Cut(value, "://")
	switch {
	case ok && isScheme(scheme):
	case strings.HasPrefix(value, "//"):
		scheme, rest = to.scheme, value[2:]
	case strings.HasPrefix(value, "/"):
		return cutBase(value, self.Base)
	default:
		return value
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	name, port, err := splitHost(rest[:end])
	if err != nil {
		return value
	}
	if port == "" {
		port = defaultPort(scheme)
	}
	tail := rest[end:]
	if !strings.HasPrefix(tail, "/") {
		tail = "/" + tail
	}
	best := -1
	for i, o := range rv.members {
		if o.Name == name && o.Port == port && inBase(tail, o.Base) &&
			(best < 0 || len(o.Base) > len(rv.members[best].Base)) {
			best = i
		}
	}
	if best < 0 {
		return value
	}
	return to.scheme + "://" + to.host + cutBase(tail, rv.members[best].Base)
}

func inBase(path, base string) bool {
	if !strings.HasPrefix(path, base) {
		return false
	}
	rest := path[len(base):]
	return base == "" || rest == "" || strings.IndexByte("/?#", rest[0]) >= 0
}

// cutBase takes a member's own path off a URL's path.
func cutBase(path, base string) string {
	if base == "" || !inBase(path, base) {
		return path
	}
	rest := path[len(base):]
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	return rest
}

// refresh maps the URL in "5; url=http://member/next".
func (rv reverser) refresh(value string, self *member.Address, to public) string {
	at := strings.Index(strings.ToLower(value), "url=")
	if at < 0 || len(strings.ToLower(value)) != len(value) {
		return value
	}
	at += len("url=")
	head, rest, tail := value[:at], value[at:], ""
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		head += rest[:1]
		if end := strings.IndexByte(rest[1:], rest[0]); end >= 0 {
			rest, tail = rest[1:1+end], rest[1+end:]
		} else {
			rest = rest[1:]
		}
	}
	return head + rv.location(rest, self, to) + tail
}

// cookie maps the Domain and Path of a Set-Cookie.
func (rv reverser) cookie(value string, self *member.Address, to public) string {
	parts := strings.Split(value, ";")
	changed := false
	for i, part := range parts {
		name, v, ok := strings.Cut(part, "=")
		if i == 0 || !ok {
			continue
		}
		v = strings.Trim(v, " \t")
		mapped := v
		switch strings.ToLower(strings.Trim(name, " \t")) {
		case "domain":
			mapped = rv.domain(v, to)
		case "path":
			mapped = cutBase(v, self.Base)
		}
		if mapped != v {
			parts[i] = name + "=" + mapped
			changed = true
		}
	}
	if !changed {
		return value
	}
	return strings.Join(parts, ";")
}

func (rv reverser) domain(domain string, to public) string {
	bare := strings.ToLower(strings.TrimPrefix(domain, "."))
	for _, o := range rv.members {
		if o.Name == bare {
			if name, _, err := splitHost(to.host); err == nil {
				return name
			}
		}
	}
	return domain
}
