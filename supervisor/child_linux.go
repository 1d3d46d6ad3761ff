package supervisor

import (
	"math"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttr gives the child a process group of its own, and ties it to the
// thread that makes it.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// seal keeps what reeve itself was left open by its parent from the child. The
// standard streams stay open, and so does whatever is passed on purpose.
func seal() {
	if unix.CloseRange(firstFD, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, err := os.ReadDir("/proc/self/fd") // a kernel before 5.11
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= firstFD {
			syscall.CloseOnExec(fd)
		}
	}
}
