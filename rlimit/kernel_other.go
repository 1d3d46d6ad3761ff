//go:build !linux

package rlimit

import (
	"fmt"
	"math"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernel is the number of the resource in the kernel's table.
func kernel(r Resource) (int, bool) {
	switch r {
	case CPU:
		return unix.RLIMIT_CPU, true
	case AS:
		return unix.RLIMIT_AS, true
	case Data:
		return unix.RLIMIT_DATA, true
	case Stack:
		return unix.RLIMIT_STACK, true
	case FSize:
		return unix.RLIMIT_FSIZE, true
	case Core:
		return unix.RLIMIT_CORE, true
	case NoFile:
		return unix.RLIMIT_NOFILE, true
	case NProc:
		return unix.RLIMIT_NPROC, true
	case MemLock:
		return unix.RLIMIT_MEMLOCK, true
	case RSS:
		return unix.RLIMIT_RSS, true
	}
	return 0, false
}

// here turns Unlimited into this system's infinity, which is the largest
// signed number, and leaves the rest.
func here(n uint64) uint64 { return min(n, math.MaxInt64) }

func set(e Entry) error {
	n, ok := kernel(e.Resource)
	if !ok {
		return fmt.Errorf("%s has no such limit", runtime.GOOS)
	}
	return syscall.Setrlimit(n, &syscall.Rlimit{Cur: here(e.Limit.Soft), Max: here(e.Limit.Hard)})
}

// Check reports limits that this system does not have, all at once.
func (s Set) Check() error {
	return s.check(func(e Entry) error {
		if _, ok := kernel(e.Resource); !ok {
			return fmt.Errorf("%s has no such limit", runtime.GOOS)
		}
		return nil
	})
}

// Read is not possible on this system.
func Read(pid int) (map[Resource]Limit, error) {
	return nil, fmt.Errorf("read limits of process %d: %s does not show them", pid, runtime.GOOS)
}
