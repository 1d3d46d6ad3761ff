package rlimit

import (
	"fmt"
	"strconv"
	"strings"
)

// parseProc reads the text of /proc/PID/limits. Lines that it does not know are
// skipped, because kernels add some.
func parseProc(text string) (map[Resource]Limit, error) {
	out := map[Resource]Limit{}
	for line := range strings.Lines(text) {
		for _, a := range table() {
			rest, ok := strings.CutPrefix(line, a.proc+" ")
			if !ok {
				continue
			}
			l, err := procLimit(rest)
			if err != nil {
				return nil, fmt.Errorf("limit %s: %w", a.resource, err)
			}
			out[a.resource] = l
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no limit in %d bytes", len(text))
	}
	return out, nil
}

func procLimit(columns string) (Limit, error) {
	f := strings.Fields(columns)
	if len(f) < 2 {
		return Limit{}, fmt.Errorf("%q has no two numbers", strings.TrimSpace(columns))
	}
	soft, err := procNumber(f[0])
	if err != nil {
		return Limit{}, err
	}
	hard, err := procNumber(f[1])
	return Limit{Soft: soft, Hard: hard}, err
}

func procNumber(text string) (uint64, error) {
	if text == "unlimited" {
		return Unlimited, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}
