package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// unnamedFile is a file in memory, which no full disk can stop.
func unnamedFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// readOnly opens the file anew, for reading only.
func readOnly(f *os.File) (*os.File, error) { return os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd())) }

// selfPath is this program, also after its file was removed or replaced: an
// upgrade on disk must not keep a running reeve from restarting its proxy, nor
// mix two versions.
func selfPath() (string, error) { return "/proc/self/exe", nil }

// setName gives the process the name that ps and top show, which would be
// "exe" after selfPath. A refusal costs a nice name.
func setName(name string) { _ = os.WriteFile("/proc/self/comm", []byte(name), 0) }
