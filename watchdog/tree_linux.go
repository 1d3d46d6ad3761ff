package watchdog

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// childrenOf returns a function that lists a process's children: the kernel
// keeps them by thread. A kernel built without that list is scanned.
func childrenOf(ctx context.Context) func(int32) []int32 {
	if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/children"); err != nil {
		all := scan(ctx)
		return func(pid int32) []int32 { return all[pid] }
	}
	return func(pid int32) (out []int32) {
		tasks := filepath.Join("/proc", strconv.Itoa(int(pid)), "task")
		threads, err := os.ReadDir(tasks)
		if err != nil {
			return nil
		}
		for _, t := range threads {
			list, err := os.ReadFile(filepath.Join(tasks, t.Name(), "children"))
			if err != nil {
				continue
			}
			for _, word := range strings.Fields(string(list)) {
				if n, err := strconv.ParseInt(word, 10, 32); err == nil {
					out = append(out, int32(n))
				}
			}
		}
		return out
	}
}
