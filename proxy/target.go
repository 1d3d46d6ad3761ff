package proxy

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// target is a request's target, taken apart.
type target struct {
	scheme   string // of the absolute form, in lower case; else empty
	host     string // of the absolute form; else empty
	path     string // canonical; see canonicalPath
	query    string // without its question mark
	asked    bool   // a question mark was there
	asterisk bool   // the target is "*"
}

var (
	errTarget = errors.New("malformed target")
	errPath   = errors.New("malformed path")
	errHost   = errors.New("malformed host")
)

// parseTarget takes a request target apart: origin form, absolute form or "*".
// The authority form of CONNECT is none of these.
func parseTarget(uri string) (target, error) {
	var t target
	rest := uri
	switch {
	case uri == "*":
		t.asterisk = true
		return t, nil
	case strings.HasPrefix(uri, "/"):
	default:
		scheme, after, ok := strings.Cut(uri, "://")
		if !ok || !isScheme(scheme) {
			return t, errTarget
		}
		end := strings.IndexAny(after, "/?#")
		if end < 0 {
			end = len(after)
		}
		t.scheme, t.host, rest = strings.ToLower(scheme), after[:end], after[end:]
		if _, _, err := splitHost(t.host); err != nil {
			return t, err
		}
		if !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
	}
	path, query, asked := strings.Cut(rest, "?")
	for i := range len(query) {
		if query[i] <= ' ' || query[i] == 0x7f || query[i] == '#' {
			return t, errTarget
		}
	}
	canonical, err := canonicalPath(path)
	if err != nil {
		return t, err
	}
	t.path, t.query, t.asked = canonical, query, asked
	return t, nil
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if !('a' <= c && c <= 'z' || i > 0 && ('0' <= s[i] && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.')) {
			return false
		}
	}
	return s != ""
}

// splitHost checks the value of a Host header, or the authority of a target,
// and returns its name in lower case without brackets or a last dot, and its
// port, which may be empty.
func splitHost(host string) (name, port string, err error) {
	name = host
	if strings.HasPrefix(host, "[") {
		literal, after, ok := strings.Cut(host[1:], "]")
		if addr, aerr := netip.ParseAddr(literal); !ok || aerr != nil || !addr.Is6() || addr.Zone() != "" {
			return "", "", errHost
		}
		if after != "" && after[0] != ':' {
			return "", "", errHost
		}
		name, port = strings.ToLower(literal), strings.TrimPrefix(after, ":")
	} else {
		name, port, _ = strings.Cut(host, ":")
		if name = strings.TrimSuffix(strings.ToLower(name), "."); !isName(name) {
			return "", "", errHost
		}
	}
	if port != "" {
		if n, perr := strconv.ParseUint(port, 10, 16); perr != nil || n == 0 || port[0] == '+' {
			return "", "", errHost
		}
	}
	return name, port, nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

// canonicalPath is the one form of a path that routes match and that members
// get: unreserved characters plain, all others that a path may not hold as %XX
// in upper case, no dot segments. %2F stays what it is. A NUL, a broken escape,
// and a path that climbs above the root are errors.
func canonicalPath(raw string) (string, error) {
	if raw == "" || raw[0] != '/' {
		return "", errPath
	}
	if isCanonical(raw) {
		return raw, nil
	}
	out := make([]byte, 0, len(raw)+8)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if i+2 >= len(raw) {
				return "", errPath
			}
			hi, lo := unhex(raw[i+1]), unhex(raw[i+2])
			if hi > 15 || lo > 15 || hi|lo == 0 {
				return "", errPath
			}
			c = hi<<4 | lo
			i += 2
			if isUnreserved(c) {
				out = append(out, c)
			} else {
				out = append(out, '%', upperHex[c>>4], upperHex[c&15])
			}
			continue
		}
		switch {
		case c <= ' ' || c == 0x7f || c == '#' || c == '?':
			return "", errPath
		case c == '/' || isPathPlain(c):
			out = append(out, c)
		default:
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return removeDots(string(out))
}

const upperHex = "0123456789ABCDEF"

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func isPathPlain(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("!$&'()*+,;=:@", c) >= 0
}

// isCanonical is the quick answer for nearly every path.
func isCanonical(p string) bool {
	for i := range len(p) {
		c := p[i]
		if c != '/' && !isPathPlain(c) {
			return false
		}
		if c == '.' && p[i-1] == '/' { // p begins with a slash
			return false
		}
	}
	return true
}

func removeDots(p string) (string, error) {
	if !strings.Contains(p, "/.") {
		return p, nil
	}
	segments := strings.Split(p[1:], "/")
	kept := segments[:0]
	for i, s := range segments {
		switch s {
		case ".":
		case "..":
			if len(kept) == 0 {
				return "", errPath
			}
			kept = kept[:len(kept)-1]
		default:
			kept = append(kept, s)
			continue
		}
		if i == len(segments)-1 {
			kept = append(kept, "") // /a/.. is /, and /a/. is /a/
		}
	}
	return "/" + strings.Join(kept, "/"), nil
}
