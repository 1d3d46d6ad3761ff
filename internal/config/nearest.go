package config

// nearEnough is the most edits between a mistyped key and the one meant.
const nearEnough = 3

// Nearest returns the known name that is fewest edits away from name, the first
// of several, or "" where none is near: more than 3 edits, or as many as the
// name has letters.
func Nearest(name string, known []string) string {
	best, at := "", nearEnough+1
	for _, k := range known {
		if d := distance(name, k); d < at && d < len(name) && d < len(k) {
			best, at = k, d
		}
	}
	return best
}

// distance is Levenshtein's, by bytes. It is nearEnough+1 where the lengths
// alone say that it is more.
func distance(a, b string) int {
	if len(a)-len(b) > nearEnough || len(b)-len(a) > nearEnough {
		return nearEnough + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, corner+cost)
		}
	}
	return row[len(b)]
}
