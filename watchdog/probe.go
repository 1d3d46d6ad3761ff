package watchdog

import (
	"context"
	"net"
	"os/exec"
	"strings"
)

// newProbe builds the probe of a valid configuration.
func newProbe(c ProbeConfig, s Subject, start func(*exec.Cmd) error) Probe {
	switch c.Kind {
	case TCP:
		return tcpProbe{c}
	case Exec:
		return newExecProbe(c, s, start)
	}
	p, err := newHTTPProbe(c)
	if err != nil {
		return broken{c.Name, err}
	}
	return p
}

// broken is a probe that cannot ask.
type broken struct {
	name string
	err  error
}

func (b broken) Name() string                { return b.name }
func (b broken) Check(context.Context) error { return b.err }

// tcpProbe connects, and hangs up.
type tcpProbe struct{ c ProbeConfig }

func (p tcpProbe) Name() string { return p.c.Name }

func (p tcpProbe) Check(ctx context.Context) error {
	network, address := "tcp", p.c.Address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}
