package watchdog

import (
	"context"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/process"
)

// maxProcesses bounds the tree that is read in detail, so that a child that
// forks without end costs reeve little.
const maxProcesses = 1024

// instruments read the figures of one life's process tree and of the host. One
// process handle is kept for each process, because gopsutil's share of the CPU
// is counted from its handle's earlier reading.
type instruments struct {
	root    int
	paths   []string
	handles map[int32]*process.Process

	at     time.Time // of the reading before
	swapIn uint64    // then, in bytes since boot
}

func newGauges(pid int, paths []string) gauges {
	return &instruments{root: pid, paths: paths, handles: map[int32]*process.Process{}}
}

func (g *instruments) read(ctx context.Context, at time.Time) Usage {
	u := Usage{At: at}
	g.readTree(ctx, &u)
	g.readHost(ctx, &u)
	for _, path := range g.paths {
		if d, err := disk.UsageWithContext(ctx, path); err == nil {
			u.Disks = append(u.Disks, DiskUsage{Path: path, Total: d.Total, Free: d.Free, Used: d.UsedPercent})
		}
	}
	g.at = at
	return u
}

func (g *instruments) readTree(ctx context.Context, u *Usage) {
	if g.root <= 0 {
		return
	}
	kept := make(map[int32]*process.Process, len(g.handles))
	for _, pid := range tree(ctx, int32(g.root), maxProcesses) {
		// Not NewProcess: it asks whether the process exists through a
		// descriptor that only the collector of garbage closes, and a tree of
		// hundreds would use up reeve's own before it runs.
		fresh := &process.Process{Pid: pid}
		born, err := fresh.CreateTimeWithContext(ctx)
		if err != nil {
			continue // it ended meanwhile
		}
		p, known := g.handles[pid]
		if known {
			// The number may be another process's by now; then its figures
			// would be set against those of the dead one.
			then, err := p.CreateTimeWithContext(ctx) // remembered
			known = err == nil && then == born
		}
		if !known {
			p = fresh
		}
		if readProcess(ctx, p, u) {
			kept[pid] = p
		}
	}
	g.handles = kept
}

// readProcess adds the figures of one process. Its first share of the CPU is 0,
// because there is no earlier reading of its handle.
func readProcess(ctx context.Context, p *process.Process, u *Usage) bool {
	m, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return false
	}
	u.Processes++
	u.RSS += m.RSS
	if share, err := p.PercentWithContext(ctx, 0); err == nil {
		u.CPU += max(0, share)
	}
	if n, err := p.NumThreadsWithContext(ctx); err == nil {
		u.Threads += int(n)
	}
	n, err := p.NumFDsWithContext(ctx)
	if err != nil {
		return true // another user's: the rest stands
	}
	u.FDs += int(n)
	if limits, err := p.RlimitWithContext(ctx); err == nil {
		for _, l := range limits {
			if l.Resource == process.RLIMIT_NOFILE && l.Soft > 0 {
				u.FDShare = max(u.FDShare, 100*float64(n)/float64(l.Soft))
			}
		}
	}
	return true
}

func (g *instruments) readHost(ctx context.Context, u *Usage) {
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		u.MemTotal, u.MemAvailable = m.Total, m.Available
	}
	if s, err := mem.SwapMemoryWithContext(ctx); err == nil {
		if passed := u.At.Sub(g.at).Seconds(); !g.at.IsZero() && passed > 0 && s.Sin >= g.swapIn {
			u.SwapIn = float64(s.Sin-g.swapIn) / passed
		}
		g.swapIn = s.Sin
	}
	if l, err := load.AvgWithContext(ctx); err == nil {
		u.Load = l.Load1
	}
}

// scan finds the children of all processes by asking each for its parent, for
// systems that do not tell them by parent.
func scan(ctx context.Context) map[int32][]int32 {
	out := map[int32][]int32{}
	all, err := process.PidsWithContext(ctx)
	if err != nil {
		return out
	}
	for _, pid := range all {
		p := &process.Process{Pid: pid}
		if parent, err := p.PpidWithContext(ctx); err == nil {
			out[parent] = append(out[parent], pid)
		}
	}
	return out
}
