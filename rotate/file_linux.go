package rotate

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is the most that an ordinary user may ask for.
const pipeSize = 1 << 20

// newPipe returns a pipe of 1 MiB, or of the system's size where the user's
// share of pipe memory is used up. The read end is polled; the write end is
// blocking, as children expect of their standard output.
func newPipe(name string) (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize)
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "pipe of "+name), os.NewFile(uintptr(fds[1]), "pipe of "+name), nil
}

// pending is how many bytes wait in the descriptor; 0 where that is not known.
func pending(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// ordinaryPipe is the size of a pipe that nobody widened.
const ordinaryPipe = 64 << 10

// capacity is how much the pipe can hold.
func capacity(fd int) int {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return ordinaryPipe
	}
	return n
}

// widen makes a foreign pipe as large as our own.
func widen(fd int) { unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) }

// renameNew renames without replacing.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// ioprioIdle is class idle (3) of ioprio_set(2).
const ioprioIdle = 3 << 13

// yieldThread gives the calling thread the lowest priority for processor and
// disk. The thread must not be used for anything else afterwards.
func yieldThread() {
	tid := unix.Gettid()
	unix.Setpriority(unix.PRIO_PROCESS, tid, 19)
	const whoProcess = 1
	unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(tid), ioprioIdle)
}
