package rlimit

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// power is what this process may do to its own limits.
type power struct {
	raise  bool   // hard limits may rise
	nrOpen uint64 // the most that NOFILE may ever be; 0 = not known
	hard   func(Resource) (Limit, error)
}

// Check reports everything that the kernel would refuse of this process and of
// the children that it starts, all at once and before anything is started: a
// hard limit that would have to rise without the right to, more open files than
// fs.nr_open. What a security module forbids it cannot foresee.
func (s Set) Check() error {
	p := power{raise: mayRaise(), nrOpen: nrOpen(), hard: present}
	return s.check(p.refuse)
}

func (p power) refuse(e Entry) error {
	if e.Resource == NoFile && p.nrOpen > 0 && e.Limit.Hard > p.nrOpen {
		return fmt.Errorf("hard limit %s is above fs.nr_open %d", side(count, e.Limit.Hard), p.nrOpen)
	}
	now, err := p.hard(e.Resource)
	if err != nil {
		return err
	}
	if e.Limit.Hard > now.Hard && !p.raise {
		a, _ := lookup(e.Resource)
		return fmt.Errorf("hard limit %s is above the present hard limit %s, and raising it needs CAP_SYS_RESOURCE",
			side(a.unit, e.Limit.Hard), side(a.unit, now.Hard))
	}
	return nil
}

// firstUserNamespace is the inode of the user namespace that the machine boots
// with, the same on every kernel.
const firstUserNamespace = 0xEFFFFFFD

// mayRaise is whether the kernel lets this process raise a hard limit: it holds
// CAP_SYS_RESOURCE, and holds it in the first user namespace, the only one where
// it counts.
func mayRaise() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&head, &data[0]) != nil {
		return false
	}
	if data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) == 0 {
		return false
	}
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/user", &st) != nil {
		return true // no such namespaces in this kernel, or no /proc: the set itself will tell
	}
	return st.Ino == firstUserNamespace
}

func nrOpen() uint64 {
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
