package proxy

import (
	"fmt"
	"net"
	"os"
)

// Notify sends a state ("READY=1", "STATUS=…") to the supervisor that
// NOTIFY_SOCKET names. It does nothing, without an error, where there is none.
func Notify(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	// A leading @ stands for the abstract namespace; package net knows that notation.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify supervisor: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("notify supervisor: %w", err)
	}
	return nil
}

// NotifyReady says that the proxy serves.
func NotifyReady() error { return Notify("READY=1") }

// NotifyStopping says that the proxy takes no more requests and drains.
func NotifyStopping() error { return Notify("STOPPING=1") }
