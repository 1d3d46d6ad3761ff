package rlimit

import "github.com/reeveproxy/reeve/internal/config"

// check collects what is wrong with the set anywhere and what refuse says of
// each limit, as problems under the resource's name.
func (s Set) check(refuse func(Entry) error) error {
	var problems config.Problems
	seen := map[Resource]bool{}
	for _, e := range s {
		key := string(e.Resource)
		if seen[e.Resource] {
			problems.Add(key, "the limit is in the set twice")
			continue
		}
		seen[e.Resource] = true
		if err := e.sane(); err != nil {
			problems.Under(key, err)
			continue
		}
		problems.Under(key, refuse(e))
	}
	return problems.Err()
}
