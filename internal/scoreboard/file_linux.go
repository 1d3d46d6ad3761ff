package scoreboard

import (
	"os"

	"golang.org/x/sys/unix"
)

// newFile makes an anonymous file that lives as long as a descriptor or a
// mapping of it does.
func newFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// sealSize fixes the file's size for ever. A process that holds the descriptor
// could otherwise cut the file, and every other one that touches its mapping
// would die of SIGBUS.
func sealSize(f *os.File) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	return os.NewSyscallError("seal", err)
}
