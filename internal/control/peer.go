package control

import (
	"context"
	"errors"
	"net"
)

type callerKey struct{}

// peer is a caller, or why it is not known.
type peer struct {
	Caller
	err error
}

// withPeer asks the kernel once, when the connection is made.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	p := peer{err: errors.New("not a unix socket")}
	if u, ok := c.(*net.UnixConn); ok {
		p.Caller, p.err = credentials(u)
	}
	return context.WithValue(ctx, callerKey{}, p)
}
