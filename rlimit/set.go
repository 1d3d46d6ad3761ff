package rlimit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reeveproxy/reeve/internal/config"
)

// Entry is one limit.
type Entry struct {
	Resource Resource
	Limit    Limit
}

// String is the notation of ParseFlag: "nofile=4096:8192".
func (e Entry) String() string { return string(e.Resource) + "=" + e.Limit.Text(e.Resource) }

// Set is limits, at most one of each resource, in the order in which they are
// applied. The nil Set is no limits.
type Set []Entry

// ParseFlag reads one limit of the command line, "nofile=4096:8192". An unknown
// name is answered with the nearest known one.
func ParseFlag(text string) (Entry, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return Entry{}, fmt.Errorf("limit %q has no value, want name=soft:hard like nofile=4096:8192", text)
	}
	e := Entry{Resource: Resource(strings.TrimSpace(name))}
	var err error
	if e.Limit, err = ParseLimit(e.Resource, value); err != nil {
		if _, known := lookup(e.Resource); !known {
			return Entry{}, err
		}
		return Entry{}, fmt.Errorf("limit %s: %w", e.Resource, err)
	}
	if err := e.sane(); err != nil {
		return Entry{}, fmt.Errorf("limit %s: %w", e.Resource, err)
	}
	return e, nil
}

// ParseFlags reads several flags into a Set. A name that is given twice is an
// error, because which of them was meant is a guess.
func ParseFlags(texts []string) (Set, error) {
	var s Set
	var problems config.Problems
	for _, text := range texts {
		e, err := ParseFlag(text)
		if err != nil {
			problems.Under("", err)
			continue
		}
		if old, ok := s.Get(e.Resource); ok {
			problems.Add("", "limit %s is given twice, as %s and as %s", e.Resource, old.Text(e.Resource), e.Limit.Text(e.Resource))
			continue
		}
		s = append(s, e)
	}
	s.sort()
	return s, problems.Err()
}

// Get returns the limit of a resource, and whether the set has one.
func (s Set) Get(r Resource) (Limit, bool) {
	for _, e := range s {
		if e.Resource == r {
			return e.Limit, true
		}
	}
	return Limit{}, false
}

// Flags returns the set in the notation of ParseFlags, without the flag's own
// name.
func (s Set) Flags() []string {
	out := make([]string, len(s))
	for i, e := range s {
		out[i] = e.String()
	}
	return out
}

func (s Set) sort() {
	names := Names()
	slices.SortStableFunc(s, func(a, b Entry) int {
		return slices.Index(names, a.Resource) - slices.Index(names, b.Resource)
	})
}

func unknown(name string) error {
	var names []string
	for _, r := range Names() {
		names = append(names, string(r))
	}
	if near := config.Nearest(name, names); near != "" {
		return fmt.Errorf("unknown limit %q, did you mean %q?", name, near)
	}
	slices.Sort(names)
	return fmt.Errorf("unknown limit %q, want one of %s", name, strings.Join(names, ", "))
}
