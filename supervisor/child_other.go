//go:build !linux

package supervisor

import "syscall"

// childAttr gives the child a process group of its own.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// seal does nothing: what reeve was left open by its parent the child gets too.
func seal() {}
