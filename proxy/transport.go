package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	// idlePerMember is how many idle connections to one member are kept.
	idlePerMember = 256
	// idleFor is how long an idle connection to a member is kept. It is under
	// the 60 s and more after which common servers close theirs, because a
	// request that meets that moment is lost if it may not be repeated.
	idleFor = 30 * time.Second
	// maxReplyHead is the longest head of a reply, in bytes.
	maxReplyHead = 256 << 10
)

// connectError is a connect that failed: the member has seen no request.
type connectError struct{ err error }

func (e *connectError) Error() string { return fmt.Sprintf("connect: %v", e.err) }
func (e *connectError) Unwrap() error { return e.err }

// newTransport makes the connections to one pool's members. It reads no
// environment: a proxy's way to its members is its configuration.
func newTransport(connect, firstByte time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, &connectError{err}
		}
		return conn, nil
	}
	return &http.Transport{
		DialContext: dial,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			raw, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return handshake(ctx, raw, addr, connect)
		},
		MaxIdleConnsPerHost:    idlePerMember,
		IdleConnTimeout:        idleFor,
		ResponseHeaderTimeout:  firstByte,
		MaxResponseHeaderBytes: maxReplyHead,
		DisableCompression:     true,
	}
}

func handshake(ctx context.Context, raw net.Conn, addr string, within time.Duration) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		raw.Close()
		return nil, &connectError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn := tls.Client(raw, &tls.Config{ServerName: host, NextProtos: []string{"http/1.1"}})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &connectError{err}
	}
	return conn, nil
}
