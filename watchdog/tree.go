package watchdog

import "context"

// tree is the process and its descendants, itself first, at most limit of
// them. gopsutil's own Children starts a pgrep for each process, which an init
// process must not do every few seconds.
//
// Descendants whose parent has ended belong to reeve, not to the child, and
// are not found here.
func tree(ctx context.Context, root int32, limit int) []int32 {
	children := childrenOf(ctx)
	all, seen := []int32{root}, map[int32]bool{root: true}
	for i := 0; i < len(all); i++ {
		for _, c := range children(all[i]) {
			if len(all) == limit {
				return all
			}
			if !seen[c] {
				seen[c] = true
				all = append(all, c)
			}
		}
	}
	return all
}
