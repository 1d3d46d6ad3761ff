package proxy

import (
	"fmt"
	"net/netip"
	"strings"
)

// networks is a list of address ranges.
type networks []netip.Prefix

// parseNetworks reads "10.0.0.0/8" and "192.0.2.1".
func parseNetworks(texts []string) (networks, error) {
	var out networks
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p.Masked())
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		a = a.Unmap()
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out, nil
}

func (n networks) contains(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parsePeer reads the address of a connection's other end. It is not valid for
// peers that have none, such as those of a unix socket.
func parsePeer(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// clientOf finds the client behind trusted proxies: from the right, the first
// address in X-Forwarded-For that is not one of ours. It stops at the last good
// address before anything that is none, because what is left of that is hearsay.
func clientOf(peer netip.Addr, forwardedFor []string, trust networks) netip.Addr {
	client := peer
	if !trust.contains(peer) {
		return client
	}
	for i := len(forwardedFor) - 1; i >= 0; i-- {
		rest := forwardedFor[i]
		for rest != "" {
			var item string
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				rest, item = rest[:at], rest[at+1:]
			} else {
				rest, item = "", rest
			}
			a, ok := parseForwardedAddr(strings.Trim(item, " \t"))
			if !ok {
				return client
			}
			client = a
			if !trust.contains(a) {
				return client
			}
		}
	}
	return client
}

// parseForwardedAddr reads an address with or without a port and brackets.
func parseForwardedAddr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}
