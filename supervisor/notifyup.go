package supervisor

import (
	"fmt"
	"net"
	"os"
)

// NotifyUp tells the system manager that started reeve (systemd) its state:
// "READY=1", "STOPPING=1", "STATUS=…", "WATCHDOG=1" or several, one a line. It
// does nothing where NOTIFY_SOCKET is not set.
func NotifyUp(state string) error {
	addr := os.Getenv("NOTIFY_SOCKET")
	if addr == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: addr, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify the system manager: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("notify the system manager: %w", err)
	}
	return nil
}
