package rlimit

import (
	"fmt"
	"os"
)

// Read returns the limits that the kernel enforces on a process, whole process
// limits of all resources it knows.
func Read(pid int) (map[Resource]Limit, error) {
	path := fmt.Sprintf("/proc/%d/limits", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read limits of process %d: %w", pid, err)
	}
	limits, err := parseProc(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return limits, nil
}
