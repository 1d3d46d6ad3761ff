package rlimit

import (
	"debug/buildinfo"
	"fmt"
)

// enoughForGo is the address space under which Go programs were seen to fail to
// start, not for every value and not every time.
const enoughForGo = 2 << 30

// WarnGo returns a sentence where the program at path is written in Go and its
// address space limit is too small for one, and "" otherwise. A path that cannot
// be read is no warning.
func WarnGo(path string, s Set) string {
	l, ok := s.Get(AS)
	if !ok || l.Soft >= enoughForGo {
		return ""
	}
	if _, err := buildinfo.ReadFile(path); err != nil {
		return ""
	}
	return fmt.Sprintf("%s is a Go program, which reserves far more address space than it uses: under as=%s it may fail to start, "+
		"and fail at some starts only; want as of 2GiB or more, or limit data, the memory of its cgroup, or GOMEMLIMIT instead",
		path, l.Text(AS))
}

// Warn returns a sentence for each limit that does other than it seems to.
// longLived is whether the program is to run for ever, root whether it runs as
// the superuser.
func Warn(s Set, longLived, root bool) []string {
	var out []string
	if l, ok := s.Get(CPU); ok && longLived && l.Soft != Unlimited {
		out = append(out, fmt.Sprintf("cpu=%s counts all processor time since the start: a program that runs for ever is certain to be killed by it", l.Text(CPU)))
	}
	if l, ok := s.Get(NProc); ok && root && l.Soft != Unlimited {
		out = append(out, fmt.Sprintf("nproc=%s is not enforced for root", l.Text(NProc)))
	}
	return out
}
