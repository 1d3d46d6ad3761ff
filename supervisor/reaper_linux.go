package supervisor

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rssUnit is the unit of ru_maxrss in bytes.
const rssUnit = 1024

// identity tells a process from a later one with the same pid: the start time
// in clock ticks; 0 where there is no such process.
type identity uint64

func becomeSubreaper() bool {
	return os.Getpid() == 1 || unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == nil
}

// anyDead reports whether a child waits to be collected, without collecting it.
func anyDead() bool {
	var si childInfo
	err := waitid(unix.P_ALL, 0, &si, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && si.pid != 0
}

// childInfo is siginfo_t as waitid fills it.
type childInfo struct {
	signo, errno, code int32
	_                  [unsafe.Sizeof(uintptr(0)) - 4]byte // the union is aligned like a pointer
	pid                int32
	uid                uint32
	status             int32
	_                  [96]byte
}

func waitid(kind, id int, si *childInfo, options int, ru *unix.Rusage) error {
	for {
		err := unix.Waitid(kind, id, (*unix.Siginfo)(unsafe.Pointer(si)), options, ru)
		if err != unix.EINTR {
			return err
		}
	}
}

// peek blocks until the child pid is dead and leaves it to be collected: until
// then its pid and process group cannot become anybody else's.
func peek(pid int) (Exit, error) {
	var si childInfo
	var ru unix.Rusage
	if err := waitid(unix.P_PID, pid, &si, unix.WEXITED|unix.WNOWAIT, &ru); err != nil {
		return Exit{}, os.NewSyscallError("waitid", err)
	}
	const cldExited, cldDumped = 1, 3
	sru := syscall.Rusage{Maxrss: ru.Maxrss}
	sru.Utime = syscall.Timeval{Sec: ru.Utime.Sec, Usec: ru.Utime.Usec}
	sru.Stime = syscall.Timeval{Sec: ru.Stime.Sec, Usec: ru.Stime.Usec}
	x := exitOf(0, &sru)
	if si.code == cldExited {
		x.Code = int(si.status)
	} else {
		x.Signal, x.Core = syscall.Signal(si.status), si.code == cldDumped
	}
	return x, nil
}

// children lists the processes whose parent is this one, dead ones included.
// The kernel's own list is quick and may miss one while others come and go, so
// callers look again. It returns false where it could not look, as without a
// free descriptor.
func children() ([]int, bool) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, false
	}
	var pids []int
	for _, t := range tasks {
		text, err := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		switch {
		case os.IsNotExist(err) && t.Name() == strconv.Itoa(os.Getpid()):
			return childrenByScan() // a kernel without that list
		case os.IsNotExist(err) || errors.Is(err, syscall.ESRCH):
			continue // the thread has ended
		case err != nil:
			return nil, false
		}
		for f := range bytes.FieldsSeq(text) {
			if pid, err := strconv.Atoi(string(f)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids, true
}

// childrenByScan finds the same by asking every process for its parent.
func childrenByScan() ([]int, bool) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false
	}
	var pids []int
	self := os.Getpid()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if st, ok := statOf(pid); ok && st.parent == self {
			pids = append(pids, pid)
		}
	}
	return pids, true
}

// identify returns 0 where there is no such process or it cannot be seen.
func identify(pid int) identity {
	st, _ := statOf(pid)
	return st.start
}

// passed reports whether the process is certainly gone or its pid another's.
func passed(pid int, id identity) bool {
	st, err := readStat(pid)
	if os.IsNotExist(err) || errors.Is(err, syscall.ESRCH) {
		return true
	}
	return err == nil && id != 0 && st.start != id
}

// procStat is what we read of /proc/PID/stat.
type procStat struct {
	state  byte
	parent int
	group  int
	start  identity
}

func statOf(pid int) (procStat, bool) {
	st, err := readStat(pid)
	return st, err == nil
}

func readStat(pid int) (procStat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, err
	}
	st, ok := parseStat(text)
	if !ok {
		return procStat{}, errors.New("not the format of a process's state")
	}
	return st, nil
}

// parseStat reads the fields after the program's name, which stands in
// parentheses and may itself contain anything.
func parseStat(text []byte) (st procStat, ok bool) {
	i := bytes.LastIndexByte(text, ')')
	if i < 0 {
		return st, false
	}
	f := bytes.Fields(text[i+1:])
	if len(f) < 20 || len(f[0]) != 1 {
		return st, false
	}
	parent, err1 := strconv.Atoi(string(f[1]))
	group, err2 := strconv.Atoi(string(f[2]))
	start, err3 := strconv.ParseUint(string(f[19]), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return procStat{}, false
	}
	return procStat{state: f[0][0], parent: parent, group: group, start: identity(start)}, true
}
