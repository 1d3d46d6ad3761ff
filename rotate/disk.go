package rotate

import (
	"fmt"
	"math"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
)

// Space is what a filesystem has left.
type Space struct {
	Available   int64   // bytes that a process without privilege may still write
	Total       int64   // bytes; 0 in the zero Space, which means not known
	UsedShare   float64 // of what such a process could ever use, 0 to 1
	InodesFree  uint64
	InodesTotal uint64 // 0 where the filesystem does not count inodes
}

// MeasureSpace asks the filesystem that holds path. The error is the kernel's,
// with the path.
func MeasureSpace(path string) (Space, error) {
	u, err := disk.Usage(path)
	if err != nil {
		return Space{}, fmt.Errorf("measure space of %s: %w", path, err)
	}
	return Space{
		Available:   clampBytes(u.Free),
		Total:       clampBytes(u.Total),
		UsedShare:   u.UsedPercent / 100,
		InodesFree:  u.InodesFree,
		InodesTotal: u.InodesTotal,
	}, nil
}

// clampBytes guards against network filesystems that report all bits set.
func clampBytes(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// Reserve is how many bytes of a filesystem of that total size logs should
// leave free: ReserveShare of it between ReserveMin and ReserveMax, but never
// more than a quarter of it. So 100 GB keep 4 GiB, 1 GiB keeps 256 MiB, and a
// tmpfs of 64 MiB keeps 16 MiB instead of being below its reserve for ever.
func (c EmergencyConfig) Reserve(total int64) int64 {
	if total <= 0 {
		return 0
	}
	r := int64(c.ReserveShare * float64(total))
	r = min(max(r, c.ReserveMin.Bytes()), c.ReserveMax.Bytes())
	return min(r, total/4)
}

// Bounds of PollInterval.
const (
	minPoll = 250 * time.Millisecond // faster than this the gauge itself would cost
	maxPoll = 15 * time.Second       // slower than this a sudden writer would not be seen
)

// PollInterval is how long to wait before space is measured again: a
// twentieth of the time to full, within 0.25 s and 15 s. A time to full of 0
// means not known and gives 15 s.
func PollInterval(timeToFull time.Duration) time.Duration {
	if timeToFull <= 0 {
		return maxPoll
	}
	return min(max(timeToFull/20, minPoll), maxPoll)
}
