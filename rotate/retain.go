package rotate

import (
	"slices"
	"time"
)

// keepNewest archives of a log are never removed, whatever the rules or the
// disk say: the one that tells of the incident is among them.
const keepNewest = 2

// removal is an archive that goes, and the rule that says so.
type removal struct {
	archive
	reason string // count, age, total, reclaim
}

func sortArchives(all []archive) {
	slices.SortFunc(all, func(a, b archive) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
}

// retain returns which archives of one log the rules remove. The list is sorted,
// oldest first.
func retain(all []archive, keep Keep, now time.Time) []removal {
	if len(all) <= keepNewest {
		return nil
	}
	var out []removal
	var total int64
	for i := len(all) - 1; i >= 0; i-- {
		a := all[i]
		total += a.size
		rank := len(all) - i // 1 is the newest
		switch {
		case rank <= keepNewest:
		case keep.Count > 0 && rank > keep.Count:
			out = append(out, removal{a, "count"})
		case keep.Age > 0 && now.Sub(a.at) > keep.Age.Std():
			out = append(out, removal{a, "age"})
		case keep.Total > 0 && total > keep.Total.Bytes():
			out = append(out, removal{a, "total"})
		}
	}
	slices.Reverse(out)
	return out
}

// reclaim returns the oldest archives of all logs together whose removal gives
// the wanted bytes back, or all that may go. Each list is sorted, oldest first.
func reclaim(logs [][]archive, want int64) []removal {
	var pool []archive
	for _, all := range logs {
		pool = append(pool, all[:max(0, len(all)-keepNewest)]...)
	}
	sortArchives(pool)
	var out []removal
	for _, a := range pool {
		if want <= 0 {
			break
		}
		want -= a.size
		out = append(out, removal{a, "reclaim"})
	}
	return out
}
