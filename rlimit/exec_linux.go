package rlimit

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Exec applies the limits and becomes the program at path. It returns only an
// error: before any limit is set where the path is at fault, else with some in
// force, so that the caller should say it and exit.
//
// The program keeps the parent-death signal of the calling thread. Who wants one
// locks the thread and sets it first.
//
// Between the limits of memory and the exec there are only system calls, and
// Go's runtime does nothing: syscall.Exec after Apply would allocate there.
func Exec(s Set, path string, argv, env []string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("exec %s: %w", path, err)
	}
	early, late := s.halves()
	j := jump{limits: len(late)}
	for i, e := range late {
		n, ok := kernel(e.Resource)
		if !ok || i == len(j.limit) {
			return fmt.Errorf("set limit %s: %w", e, syscall.EINVAL)
		}
		j.resource[i] = uintptr(n)
		j.limit[i] = unix.Rlimit{Cur: e.Limit.Soft, Max: e.Limit.Hard}
	}
	if err := j.program(path, argv, env); err != nil {
		return fmt.Errorf("exec %s: %w", path, err)
	}
	if _, set := s.Get(NoFile); !set {
		// Go has raised the soft limit and knows the old one, but puts it back
		// in its own exec only. One that cannot succeed does that and no more.
		_ = syscall.Exec("", []string{""}, nil)
	}
	if err := setAll(early); err != nil {
		return err
	}
	settle()
	if errno := j.leap(); errno != 0 {
		if j.done < len(late) {
			return fmt.Errorf("set limit %s: %w", late[j.done], errno)
		}
		return fmt.Errorf("exec %s: %w", path, errno)
	}
	return nil
}

// jump is everything that the last system calls need, in memory that exists.
type jump struct {
	path      *byte
	argv, env []*byte
	resource  [3]uintptr
	limit     [3]unix.Rlimit
	limits    int // how many of the three
	done      int // how many are set
}

func (j *jump) program(path string, argv, env []string) (err error) {
	if j.path, err = syscall.BytePtrFromString(path); err != nil {
		return err
	}
	if j.argv, err = syscall.SlicePtrFromStrings(argv); err != nil {
		return err
	}
	j.env, err = syscall.SlicePtrFromStrings(env)
	return err
}

// leap sets the limits of memory and execs. Raw calls do not tell the scheduler,
// and without the race detector's hooks there is no allocation.
//
//go:norace
//go:nosplit
func (j *jump) leap() syscall.Errno {
	for j.done < j.limits {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, j.resource[j.done],
			uintptr(unsafe.Pointer(&j.limit[j.done])), 0, 0, 0)
		if errno != 0 {
			return errno
		}
		j.done++
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(j.path)),
		uintptr(unsafe.Pointer(&j.argv[0])), uintptr(unsafe.Pointer(&j.env[0])))
	return errno
}
