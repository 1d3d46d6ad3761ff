package member

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Address is where a member is reached.
type Address struct {
	Text   string // as configured
	Scheme string // http or https
	Host   string // host:port for a connection, or host alone
	Name   string // of Host, the name or address in lower case, without brackets
	Port   string // of Host, or the scheme's own; never empty
	Base   string // path under which the site lives there: empty, or "/app"
}

// ParseAddress reads http://host:port, https://host and http://host:port/app.
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Address{}, fmt.Errorf("%q is not a URL: %w", text, err)
	}
	a := Address{
		Text: text, Scheme: strings.ToLower(u.Scheme), Host: u.Host,
		Name: strings.ToLower(u.Hostname()), Port: u.Port(),
		Base: strings.TrimRight(u.EscapedPath(), "/"),
	}
	switch {
	case a.Scheme != "http" && a.Scheme != "https":
		return Address{}, fmt.Errorf("%q: scheme must be http or https", text)
	case a.Name == "":
		return Address{}, fmt.Errorf("%q names no host", text)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return Address{}, fmt.Errorf("%q: a member's URL has a host, a port and a path, nothing else", text)
	case a.Port == "" && a.Scheme == "https":
		a.Port = "443"
	case a.Port == "":
		a.Port = "80"
	}
	if n, err := strconv.ParseUint(a.Port, 10, 16); err != nil || n == 0 {
		return Address{}, fmt.Errorf("%q: port %s is outside 1 to 65535", text, a.Port)
	}
	return a, nil
}
