package supervisor

import "syscall"

// childAttr gives the child a process group of its own, and ties it to the
// thread that makes it.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
