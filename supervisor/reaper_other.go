//go:build !linux

package supervisor

import (
	"os"
	"syscall"
)

// rssUnit is the unit of ru_maxrss in bytes.
const rssUnit = 1

// identity would tell a process from a later one with the same pid.
type identity uint64

// Orphans do not come to us on these systems, unless we are process 1, and we
// do not look for them.
func becomeSubreaper() bool   { return false }
func anyDead() bool           { return false }
func children() ([]int, bool) { return nil, true }
func identify(int) identity   { return 0 }

func passed(int, identity) bool { return false }

// peek blocks until the child pid is dead, and collects it.
func peek(pid int) (Exit, error) {
	var ws syscall.WaitStatus
	var ru syscall.Rusage
	if _, err := wait4(pid, &ws, 0, &ru); err != nil {
		return Exit{}, os.NewSyscallError("wait4", err)
	}
	return exitOf(ws, &ru), nil
}
