package rlimit

import (
	"fmt"
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
	case MsgQueue:
		return unix.RLIMIT_MSGQUEUE, true
	case Nice:
		return unix.RLIMIT_NICE, true
	case RTPrio:
		return unix.RLIMIT_RTPRIO, true
	case SigPending:
		return unix.RLIMIT_SIGPENDING, true
	case Locks:
		return unix.RLIMIT_LOCKS, true
	case RTTime:
		return unix.RLIMIT_RTTIME, true
	}
	return 0, false
}

func set(e Entry) error {
	n, ok := kernel(e.Resource)
	if !ok {
		return unknown(string(e.Resource))
	}
	if e.Resource == NoFile {
		// Through syscall, so that Go forgets the value that it would put
		// back at exec.
		return syscall.Setrlimit(n, &syscall.Rlimit{Cur: e.Limit.Soft, Max: e.Limit.Hard})
	}
	return unix.Prlimit(0, n, &unix.Rlimit{Cur: e.Limit.Soft, Max: e.Limit.Hard}, nil)
}

// present is the limit of this process.
func present(r Resource) (Limit, error) {
	n, ok := kernel(r)
	if !ok {
		return Limit{}, unknown(string(r))
	}
	var l unix.Rlimit
	if err := unix.Prlimit(0, n, nil, &l); err != nil {
		return Limit{}, fmt.Errorf("read limit %s: %w", r, err)
	}
	return Limit{Soft: l.Cur, Hard: l.Max}, nil
}
