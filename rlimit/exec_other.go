//go:build !linux

package rlimit

import (
	"fmt"
	"syscall"
)

// Exec applies the limits and becomes the program at path. It returns only an
// error, with some limits in force.
func Exec(s Set, path string, argv, env []string) error {
	if err := Apply(s); err != nil {
		return err
	}
	return fmt.Errorf("exec %s: %w", path, syscall.Exec(path, argv, env))
}
