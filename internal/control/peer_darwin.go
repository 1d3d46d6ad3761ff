package control

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// credentials has no PID: this system tells the user only.
func credentials(c *net.UnixConn) (Caller, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Caller{}, fmt.Errorf("ask for peer: %w", err)
	}
	var cred *unix.Xucred
	var inner error
	if err := raw.Control(func(fd uintptr) {
		cred, inner = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	}); err != nil {
		return Caller{}, fmt.Errorf("ask for peer: %w", err)
	}
	if inner != nil {
		return Caller{}, fmt.Errorf("ask for peer: %w", inner)
	}
	who := Caller{UID: int(cred.Uid)}
	if cred.Ngroups > 0 {
		who.GID = int(cred.Groups[0])
	}
	return who, nil
}
