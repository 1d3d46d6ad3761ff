package rlimit

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Apply sets the limits on this process, for ever. It stops at the first one
// that the kernel refuses, so that some may be in force after an error.
//
// After Apply with a memory limit the process may be unable to grow: call Exec,
// or do nothing that allocates much.
func Apply(s Set) error {
	ordered := append(Set(nil), s...)
	ordered.sort()
	for _, e := range ordered {
		if err := set(e); err != nil {
			return fmt.Errorf("set limit %s: %w", e, err)
		}
	}
	return nil
}

// Exec applies the limits and becomes the program at path. It returns only an
// error; the limits may be in force then, so the caller should say the error and
// exit.
func Exec(s Set, path string, argv, env []string) error {
	runtime.LockOSThread()
	// A collection under an address space limit would want memory for itself.
	runtime.GC()
	debug.SetGCPercent(-1)
	if err := Apply(s); err != nil {
		return err
	}
	if err := syscall.Exec(path, argv, env); err != nil {
		return fmt.Errorf("exec %s: %w", path, err)
	}
	return nil
}
