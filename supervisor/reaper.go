package supervisor

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// reapEvery is the belt to the braces of SIGCHLD, which coalesces.
	reapEvery = 2 * time.Second
	// orphanEvents bounds the events about orphans in a minute; all are counted.
	orphanEvents = 20
)

// Reaper collects the processes that others left to us, and only those: a
// process whose start it saw is never touched. That is provable because a start
// and a collection exclude each other, and because a process that is registered
// cannot have been collected by anybody but its own waiter.
//
// Every process that reeve itself starts must be started through it. It collects
// while a Supervisor that was given it runs.
type Reaper struct {
	events event.Sink
	sub    bool // orphans of our tree come to us
	reaped atomic.Uint64

	// mu is held across fork and registration, and across look and collection.
	mu   sync.Mutex
	own  map[int]identity // started by us: never collected here, never killed here
	kept map[int]identity // were our children before we began: collected, never killed

	minute time.Time // of the event budget
	told   int
}

// NewReaper makes the process a subreaper where the system can, and takes the
// children that exist already for somebody's who started reeve: they are
// collected when they die and never killed.
func NewReaper(events event.Sink) *Reaper {
	if events == nil {
		events = event.Discard{}
	}
	// The standard library forks once to try out pidfds, at the first use of
	// a process. It must do so before anybody looks for orphans.
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		p.Release()
	}
	r := &Reaper{events: events, own: map[int]identity{}, kept: map[int]identity{}}
	r.sub = becomeSubreaper()
	before, ok := children()
	r.sub = r.sub && ok // without /proc nobody can be found
	for _, pid := range before {
		r.kept[pid] = identify(pid)
	}
	return r
}

// Guarantee says how surely the end of a life ends its whole tree: "subreaper"
// (every descendant, however it detached itself) or "group" (those that stayed
// in its process group).
func (r *Reaper) Guarantee() string {
	if r.sub {
		return "subreaper"
	}
	return "group"
}

// Reaped is the number of orphans collected.
func (r *Reaper) Reaped() uint64 { return r.reaped.Load() }

// Start is cmd.Start for everything that reeve starts besides the child: only
// processes started here are safe from being taken for somebody's orphan. The
// caller goes on with cmd.Wait as usual.
func (r *Reaper) Start(cmd *exec.Cmd) error {
	_, err := r.fork(func() (int, error) {
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		return cmd.Process.Pid, nil
	})
	return err
}

// Run starts the command as Start does and waits for it, as cmd.Run does.
func (r *Reaper) Run(cmd *exec.Cmd) error {
	if err := r.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// fork registers the process that start makes, before anybody can look.
func (r *Reaper) fork(start func() (int, error)) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := start()
	if err == nil {
		r.own[pid] = identify(pid)
	}
	return pid, err
}

// collected forgets a process that its waiter has collected with wait, which
// runs under the lock so that the pid cannot come back in between.
func (r *Reaper) collected(pid int, wait func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait()
	delete(r.own, pid)
}

// loop collects orphans until ctx ends.
func (r *Reaper) loop(ctx context.Context) {
	// One is enough: SIGCHLD says no more than "look".
	sigs := make(chan os.Signal, 1)
	signal.Notify(sigs, syscall.SIGCHLD)
	defer signal.Stop(sigs)
	tick := time.NewTicker(reapEvery)
	defer tick.Stop()
	for {
		r.reap()
		select {
		case <-sigs:
		case <-tick.C:
			r.forget()
		case <-ctx.Done():
			return
		}
	}
}

// reap collects every dead child that is not ours to wait for elsewhere.
func (r *Reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !anyDead() {
		return
	}
	pids, _ := children() // what is missed is seen at the next look
	for _, pid := range pids {
		if !r.isOwnLocked(pid) {
			r.collectLocked(pid)
		}
	}
}

// collectLocked collects pid if it is dead.
func (r *Reaper) collectLocked(pid int) bool {
	var ws syscall.WaitStatus
	got, err := wait4(pid, &ws, syscall.WNOHANG, nil)
	if err != nil || got != pid {
		return false
	}
	delete(r.kept, pid)
	r.reaped.Add(1)
	if now := time.Now(); now.Sub(r.minute) > time.Minute {
		r.minute, r.told = now, 0
	}
	if r.told++; r.told <= orphanEvents {
		r.events.Emit(event.OrphanReaped{PID: pid, Status: exitOf(ws, nil).String()})
	}
	return true
}

// isOwnLocked reports whether somebody else waits for pid. A registration that
// has gone stale still counts, once: its process was collected after the list
// of children was read, so that pid may be anybody's by now.
func (r *Reaper) isOwnLocked(pid int) bool {
	id, ok := r.own[pid]
	if ok && passed(pid, id) {
		delete(r.own, pid)
	}
	return ok
}

// forget drops registrations of processes that their waiters have collected.
func (r *Reaper) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pid, id := range r.own {
		if passed(pid, id) {
			delete(r.own, pid)
		}
	}
}

// orphans signals every living orphan and collects the dead ones. A child of
// ours cannot lose its pid before it is collected, so the signal reaches whom
// it is meant for. Only children are signalled: the children of an orphan come
// to us when it dies. It returns false where it could not look.
func (r *Reaper) orphans(sig syscall.Signal) (alive []int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pids, ok := children()
	for _, pid := range pids {
		if r.isOwnLocked(pid) || r.collectLocked(pid) {
			continue
		}
		if id, ok := r.kept[pid]; ok && !passed(pid, id) {
			continue
		}
		if sig != 0 {
			_ = syscall.Kill(pid, sig)
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
		alive = append(alive, pid)
	}
	return alive, ok
}

// wait4 is the system call, repeated where a signal interrupted it.
func wait4(pid int, ws *syscall.WaitStatus, options int, ru *syscall.Rusage) (int, error) {
	for {
		got, err := syscall.Wait4(pid, ws, options, ru)
		if err != syscall.EINTR {
			return got, err
		}
	}
}

func exitOf(ws syscall.WaitStatus, ru *syscall.Rusage) Exit {
	var x Exit
	if ws.Signaled() {
		x.Signal, x.Core = ws.Signal(), ws.CoreDump()
	} else {
		x.Code = ws.ExitStatus()
	}
	if ru != nil {
		x.User = time.Duration(ru.Utime.Nano())
		x.System = time.Duration(ru.Stime.Nano())
		x.MaxRSS = ru.Maxrss * rssUnit
	}
	return x
}
