//go:build !linux

package watchdog

import "context"

func childrenOf(ctx context.Context) func(int32) []int32 {
	all := scan(ctx)
	return func(pid int32) []int32 { return all[pid] }
}
