package supervisor

import (
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// sweepLook is the time between two looks at what is left.
	sweepLook = 10 * time.Millisecond
	// sweepLimit bounds the wait for processes that were sent KILL.
	sweepLimit = 5 * time.Second
)

// child is the process of a life.
type child struct {
	life   Life
	reaper *Reaper
	grace  time.Duration // between TERM and KILL for what is left

	mu        sync.Mutex
	collected bool // its pid and group may be somebody else's
}

func (c *child) PID() int { return c.life.PID }

func (c *child) Signal(sig syscall.Signal, group bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.collected {
		return os.ErrProcessDone
	}
	to := c.life.PID
	if group {
		to = -to
	}
	return syscall.Kill(to, sig)
}

func (c *child) Wait() Exit {
	x, err := peek(c.life.PID)
	if err != nil {
		// Somebody collected it against the rules. It is gone, which is what
		// matters; how it ended nobody knows.
		return Exit{Code: 255}
	}
	return x
}

// Sweep ends what the dead process left behind. While the dead one is not
// collected its group is still its own, so the order is: signal, wait, collect.
func (c *child) Sweep(hurry <-chan struct{}) remains {
	defer c.collect()
	sig := syscall.SIGTERM
	if c.grace <= 0 {
		sig = syscall.SIGKILL
	}
	if !c.reaper.sub {
		c.sweepGroup(sig, hurry)
		return remains{}
	}
	alive, ok := c.sweepOnce(sig)
	if ok && len(alive) == 0 {
		return remains{}
	}
	seen := map[int]struct{}{}
	look := time.NewTicker(sweepLook)
	defer look.Stop()
	kill := time.Now().Add(c.grace)
	limit := kill.Add(sweepLimit)
	for sig = 0; ; {
		for _, pid := range alive {
			seen[pid] = struct{}{}
		}
		select {
		case <-look.C:
		case <-hurry:
			hurry, kill = nil, time.Now()
			limit = kill.Add(sweepLimit)
		}
		now := time.Now()
		if !now.Before(kill) {
			sig = syscall.SIGKILL
		}
		if alive, ok = c.sweepOnce(sig); ok && len(alive) == 0 {
			return remains{found: len(seen)}
		}
		if now.After(limit) {
			return remains{found: len(seen), survivors: alive}
		}
	}
}

// sweepOnce signals the group and every orphan, and returns the orphans left.
// Those of the group that are no orphans yet are the children of one. It
// returns false where it could not look.
func (c *child) sweepOnce(sig syscall.Signal) (alive []int, ok bool) {
	if sig != 0 {
		_ = c.Signal(sig, true)
		_ = c.Signal(syscall.SIGCONT, true)
	}
	return c.reaper.orphans(sig)
}

// sweepGroup does what can be done where nobody can be found: it signals the
// group, gives it its time, and kills it.
func (c *child) sweepGroup(sig syscall.Signal, hurry <-chan struct{}) {
	if c.Signal(sig, true) != nil {
		return // nobody is in it
	}
	_ = c.Signal(syscall.SIGCONT, true)
	if sig == syscall.SIGKILL {
		return
	}
	grace := time.NewTimer(c.grace)
	defer grace.Stop()
	select {
	case <-grace.C:
	case <-hurry:
	}
	_ = c.Signal(syscall.SIGKILL, true)
}

func (c *child) collect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reaper.collected(c.life.PID, func() {
		var ws syscall.WaitStatus
		_, _ = wait4(c.life.PID, &ws, syscall.WNOHANG, nil) // collected before on systems without a peek
	})
	c.collected = true
}
