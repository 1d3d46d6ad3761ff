package rlimit

import "fmt"

// Mismatch is a limit that is not what was asked for.
type Mismatch struct {
	Resource Resource
	Want     Limit
	Have     Limit
	// Looser is whether the process may use more than was asked for, now or
	// by raising its soft limit; otherwise it has tightened a limit by itself.
	Looser bool
}

// String is "nofile is 20000, want 4096:8192".
func (m Mismatch) String() string {
	return fmt.Sprintf("%s is %s, want %s", m.Resource, m.Have.Text(m.Resource), m.Want.Text(m.Resource))
}

// Verify reads the limits of a process and returns those that are not as in the
// set. A soft NOFILE that was raised within its hard limit is no mismatch: Go,
// nginx and HAProxy do that as they start. An error means that nothing is known,
// for instance because the process has ended.
func Verify(pid int, s Set) ([]Mismatch, error) {
	have, err := Read(pid)
	if err != nil {
		return nil, err
	}
	return compare(s, have), nil
}

func compare(s Set, have map[Resource]Limit) []Mismatch {
	var out []Mismatch
	for _, e := range s {
		h, ok := have[e.Resource]
		if !ok {
			h = Limit{Soft: Unlimited, Hard: Unlimited}
		}
		w := e.Limit
		if h == w || e.Resource == NoFile && h.Hard == w.Hard && h.Soft > w.Soft {
			continue
		}
		out = append(out, Mismatch{Resource: e.Resource, Want: w, Have: h, Looser: h.Hard > w.Hard || h.Soft > w.Soft})
	}
	return out
}
