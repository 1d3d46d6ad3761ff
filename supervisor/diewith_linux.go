package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWith makes the kernel kill this process when its parent dies. The fork did
// so for the thread that it made; the thread that execs may be another one.
func dieWith(parent string) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	// The parent may have died before the wish was heard.
	if p := os.Getppid(); strconv.Itoa(p) != parent {
		return fmt.Errorf("parent is %d, want %s", p, parent)
	}
	return nil
}
