package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// firstInherited is the descriptor at which socket activation starts.
const firstInherited = 3

// maxInherited bounds LISTEN_FDS, so that nonsense does not close descriptors
// up to its value.
const maxInherited = 1024

// Inherited is a listener that a supervisor opened.
type Inherited struct {
	Name string // from LISTEN_FDNAMES; "unknown" where it says nothing
	net.Listener
}

// ListenersFromEnv returns the listeners that LISTEN_FDS, LISTEN_PID and
// LISTEN_FDNAMES describe, and unsets these variables, so that children do not
// take them for theirs. It returns none, and no error, where they are absent or
// meant for another process.
func ListenersFromEnv() ([]Inherited, error) {
	pid, fds, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, v := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(v)
	}
	if fds == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n < 0 || n > maxInherited {
		return nil, fmt.Errorf("inherit listeners: LISTEN_FDS=%q, want 0 to %d", fds, maxInherited)
	}
	labels := strings.Split(names, ":")
	var out []Inherited
	var problems []error
	for i := range n {
		in, err := inherit(firstInherited + i)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		in.Name = "unknown"
		if i < len(labels) && labels[i] != "" {
			in.Name = labels[i]
		}
		out = append(out, in)
	}
	if err := errors.Join(problems...); err != nil {
		for _, in := range out {
			in.Close()
		}
		return nil, fmt.Errorf("inherit listeners: %w", err)
	}
	return out, nil
}

func inherit(fd int) (Inherited, error) {
	f := os.NewFile(uintptr(fd), "inherited listener")
	if f == nil {
		return Inherited{}, fmt.Errorf("descriptor %d is not open", fd)
	}
	defer f.Close() // FileListener works on a copy
	l, err := net.FileListener(f)
	if err != nil {
		return Inherited{}, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return Inherited{Listener: l}, nil
}
