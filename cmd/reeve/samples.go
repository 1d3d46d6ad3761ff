package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/reeveproxy/reeve/proxy/sample"
)

// serveSamples serves the members that the embedded configuration names, so
// that a newcomer's first command has something to balance over.
func (h *house) serveSamples() error {
	pool := h.config().Proxy.Builtin.Pools["sample"]
	for _, m := range pool.Members {
		u, err := url.Parse(m.URL)
		if err != nil {
			return fmt.Errorf("sample member %s: %w", m.Name, err)
		}
		l, err := net.Listen("tcp", u.Host)
		if err != nil {
			return fmt.Errorf("cannot serve the sample member %s: %w", m.Name, err)
		}
		s := &http.Server{Handler: sample.Member(m.Name), ReadHeaderTimeout: 10 * time.Second}
		h.samples = append(h.samples, s)
		h.sampleListeners = append(h.sampleListeners, l)
	}
	return nil
}
