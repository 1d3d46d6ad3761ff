package proxy

import (
	"net/textproto"
	"strings"

	"github.com/reeveproxy/reeve/proxy/member"
)

// headers is a message's header section under canonical names.
type headers = map[string][]string

// isHop reports whether the field belongs to one connection and is never passed.
func isHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	}
	return false
}

// isHearsay reports whether the field speaks about a client and is believed
// only from a trusted peer.
func isHearsay(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-")
}

// isKept reports whether the field stays although a Connection header names it:
// what authenticates, frames or routes is no business of a connection.
func isKept(name string) bool {
	switch name {
	case "Host", "Authorization", "Cookie", "Set-Cookie", "Date", "Location", "Www-Authenticate":
		return true
	}
	return isHearsay(name) || strings.HasPrefix(name, "Content-")
}

// isPlainName reports whether no program downstream can take the name for
// another: letters, digits and hyphens. X_Forwarded_For is X-Forwarded-For to
// a CGI program.
func isPlainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return name != ""
}

// named is what a Connection header lists besides the usual words.
type named []string

func namedBy(connection []string) named {
	var out named
	for _, line := range connection {
		for word := range strings.SplitSeq(line, ",") {
			word = strings.Trim(word, " \t")
			if word == "" || strings.EqualFold(word, "close") || strings.EqualFold(word, "keep-alive") || strings.EqualFold(word, "upgrade") {
				continue
			}
			if name := textproto.CanonicalMIMEHeaderKey(word); !isKept(name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func (n named) has(name string) bool {
	for _, x := range n {
		if x == name {
			return true
		}
	}
	return false
}

// copyRequest copies the fields of a client's request that go on to a member.
// Values are shared, not copied.
func copyRequest(dst, src headers, trusted bool) {
	drop := namedBy(src["Connection"])
	for name, values := range src {
		if isHop(name) || name == "Proxy" || name == "Expect" || drop.has(name) || !isPlainName(name) {
			continue
		}
		if !trusted && isHearsay(name) {
			continue
		}
		dst[name] = values
	}
	if te, ok := src["Te"]; ok && listHas(te, "trailers") {
		dst["Te"] = []string{"trailers"}
	}
}

// copyReply copies the fields of a member's reply that go on to the client.
func copyReply(dst, src headers) {
	drop := namedBy(src["Connection"])
	for name, values := range src {
		if !isHop(name) && !drop.has(name) {
			dst[name] = values
		}
	}
}

// listHas reports whether a comma-separated header has the word.
func listHas(values []string, word string) bool {
	for _, line := range values {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(item, " \t"), word) {
				return true
			}
		}
	}
	return false
}

// isTrailer reports whether a field may come after a body: none that frames,
// routes, authenticates or speaks about the client.
func isTrailer(name string) bool {
	return !isHop(name) && !isKept(name) && name != "Proxy" && name != "Expect" && isPlainName(name)
}

// mapReply turns what names a member into what names the proxy.
func mapReply(h headers, rv reverser, self *member.Address, to public) {
	for _, name := range [...]string{"Location", "Content-Location", "Uri", "Destination"} {
		if v := h[name]; len(v) > 0 {
			h[name] = mapEach(v, func(s string) string { return rv.location(s, self, to) })
		}
	}
	if v := h["Refresh"]; len(v) > 0 {
		h["Refresh"] = mapEach(v, func(s string) string { return rv.refresh(s, self, to) })
	}
	if v := h["Set-Cookie"]; len(v) > 0 {
		h["Set-Cookie"] = mapEach(v, func(s string) string { return rv.cookie(s, self, to) })
	}
}

func mapEach(values []string, f func(string) string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}
