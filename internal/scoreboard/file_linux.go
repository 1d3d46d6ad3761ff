package scoreboard

import (
	"os"

	"golang.org/x/sys/unix"
)

// newFile makes an anonymous file that lives as long as a descriptor or a
// mapping of it does.
func newFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
