package rotate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// stopGrace is how long Run goes on writing what is queued when its context
// ends without a Drain.
const stopGrace = 5 * time.Second

// Options are what a Keeper needs from whoever wires it.
type Options struct {
	Config Config                  // validated; Dir is set
	Names  []string                // the logs, such as stdout, stderr, access, reeve
	Events event.Sink              // nil: events are discarded
	Taps   map[string]func([]byte) // called by name with each chunk of whole lines, from the reading goroutine; must be quick and must not keep the slice
}

// Keeper keeps the logs of one folder. It is the folder's only writer.
type Keeper struct {
	events  event.Sink
	pool    *pool
	folder  *folder
	janitor *janitor
	watch   *watch
	kick    chan struct{} // capacity 1: one wake-up is as good as many

	logs    []*log
	byName  map[string]*log
	writers map[string]*os.File

	mu       sync.Mutex
	running  bool
	draining bool
	stop     chan struct{} // closed: drain, then end
	stopped  chan struct{} // closed when Run has returned, or cannot run any more
	abandon  chan struct{} // closed: what cannot be written now is dropped
	abandons sync.Once
}

// Open prepares the folder (it is made where it is missing, mode 0750), refuses
// one that is a symlink, no folder, of another owner, writable by others or
// held by another Keeper, mends what a crash left behind, and opens a pipe for
// each log. The errors name the path.
func Open(opts Options) (*Keeper, error) {
	if opts.Events == nil {
		opts.Events = event.Discard{}
	}
	f, err := openFolder(opts.Config.Dir)
	if err != nil {
		return nil, err
	}
	opts.Config.Dir = f.path
	k := &Keeper{
		events: opts.Events, pool: &pool{}, folder: f, janitor: newJanitor(f, opts.Events),
		kick: make(chan struct{}, 1), byName: map[string]*log{}, writers: map[string]*os.File{},
		stop: make(chan struct{}), stopped: make(chan struct{}), abandon: make(chan struct{}),
	}
	k.watch = &watch{
		dir: f.path, events: k.events, pool: k.pool, janitor: k.janitor, measure: MeasureSpace,
		disk: NewDiskLadder(opts.Config.Emergency), reserve: opts.Config.Emergency.Reserve,
	}
	for _, name := range opts.Names {
		if err := k.add(name, opts); err != nil {
			k.close()
			return nil, fmt.Errorf("open log %s: %w", name, err)
		}
	}
	k.janitor.logs = k.logs
	return k, nil
}

// add makes one log ready, its file included, so that a folder that cannot be
// written is told at the start.
func (k *Keeper) add(name string, opts Options) error {
	if !validName(name) {
		return fmt.Errorf("%q is not a log name", name)
	}
	if k.byName[name] != nil {
		return errors.New("it is named twice")
	}
	set, err := opts.Config.of(name)
	if err != nil {
		return err
	}
	for _, other := range k.logs {
		if other.set.file == set.file {
			return fmt.Errorf("the log %s is written to %s already", other.set.name, set.file)
		}
	}
	if err := mend(k.folder, set.file); err != nil {
		return err
	}
	l := &log{
		set: set, events: k.events, queue: newSpill(k.pool, set.spill, set.fullDisk), file: newLive(set.file),
		turned: k.janitor.turned, now: time.Now, wait: k.waitRetry, abandon: k.abandon,
	}
	if err := l.file.ensure(); err != nil && !isFull(err) {
		return err
	}
	l.note()
	r, w, err := newPipe(name)
	if err != nil {
		return fmt.Errorf("open pipe: %w", err)
	}
	if err := k.connect(l, r); err != nil {
		return errors.Join(err, r.Close(), w.Close())
	}
	l.pump.tap = opts.Taps[name]
	k.writers[name] = w
	k.logs, k.byName[name] = append(k.logs, l), l
	return nil
}

// isFull: a disk that is full at the start is no reason not to start.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// connect gives the log its source.
func (k *Keeper) connect(l *log, source *os.File) error {
	m, err := newPump(source, l.queue, k.pool)
	if err != nil {
		return err
	}
	s := newSampler(time.Now)
	var since uint64
	m.sample = func(chunk []byte, lines int) {
		s.observe(chunk, lines)
		if since += uint64(len(chunk)); since >= watchBytes {
			since = 0
			signal(k.kick)
		}
	}
	l.pump = m
	k.watch.logs = append(k.watch.logs, &watched{log: l, ladder: NewLadder(l.set.emergency, l.set.class), sampler: s})
	return nil
}

// waitRetry waits before a refused write is tried again; false: no more.
func (k *Keeper) waitRetry(d time.Duration) bool {
	signal(k.kick)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.abandon:
		return false
	}
}

// Writer returns the write end of the log's pipe, for a child's descriptor. The
// keeper holds it across lives; the caller must not close it.
func (k *Keeper) Writer(name string) (*os.File, error) {
	if w := k.writers[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("there is no pipe of a log %q", name)
}

// Attach makes the log read from in instead of its pipe, until in ends. It must
// be called before Run; Writer of that log is an error then. The keeper closes
// in.
func (k *Keeper) Attach(name string, in *os.File) error {
	l := k.byName[name]
	if l == nil || k.writers[name] == nil {
		return fmt.Errorf("attach to log %q: there is no such log with a pipe", name)
	}
	in = pollable(in)
	tap, sample := l.pump.tap, l.pump.sample
	m, err := newPump(in, l.queue, k.pool)
	if err != nil {
		return fmt.Errorf("attach to log %s: %w", name, err)
	}
	l.pump.source.Close()
	k.writers[name].Close()
	delete(k.writers, name)
	m.tap, m.sample = tap, sample
	l.pump = m
	return nil
}

// pollable returns in such that a read of it can be woken up, where its sort
// allows that.
func pollable(in *os.File) *os.File {
	info, err := in.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return in
	}
	fd, err := syscall.Dup(int(in.Fd()))
	if err != nil {
		return in
	}
	syscall.CloseOnExec(fd)
	widen(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return in
	}
	in.Close()
	return os.NewFile(uintptr(fd), in.Name())
}

// Rotate turns the log, or all of them for the name "", and returns the path of
// the archive ("" where the log was empty, and for several). What had been
// written into the pipe before the call is in the archive. The reason is a word
// of a-z, 0-9 and _; it becomes part of the archive's name.
func (k *Keeper) Rotate(ctx context.Context, name, reason string) (archive string, err error) {
	if !validReason(reason) {
		return "", fmt.Errorf("rotate: reason %q is not a word of a-z, 0-9 and _", reason)
	}
	logs := k.logs
	if name != "" {
		l := k.byName[name]
		if l == nil {
			return "", fmt.Errorf("rotate: there is no log %q", name)
		}
		logs = []*log{l}
	}
	asks := make([]*ask, len(logs))
	for i, l := range logs {
		asks[i] = l.request(reason, time.Now())
		l.order(asks[i])
	}
	var problems []error
	for i, a := range asks {
		select {
		case r := <-a.reply:
			if archive = r.archive; r.err != nil {
				problems = append(problems, fmt.Errorf("rotate %s: %w", logs[i].set.name, r.err))
			}
		case <-k.stopped:
			return "", errors.New("rotate: the keeper has stopped")
		case <-ctx.Done():
			return "", fmt.Errorf("rotate %s: %w", logs[i].set.name, ctx.Err())
		}
	}
	if name == "" {
		archive = ""
	}
	return archive, errors.Join(problems...)
}

// EndLife ends the last line of a life that left it without a newline, so that
// the next life's first line stands for itself. It returns when all that the
// pipe held is queued, or when ctx ends.
func (k *Keeper) EndLife(ctx context.Context, name string) error {
	l := k.byName[name]
	if l == nil {
		return fmt.Errorf("end a life of log %q: there is no such log", name)
	}
	select {
	case <-l.pump.endLife():
	case <-l.pump.done:
	case <-ctx.Done():
		return fmt.Errorf("end a life of log %s: %w", name, ctx.Err())
	}
	return nil
}

// Status returns all logs, in the order of Options.Names.
func (k *Keeper) Status() []LogStatus {
	now := time.Now()
	out := make([]LogStatus, len(k.logs))
	for i, l := range k.logs {
		out[i] = l.status(k.janitor.keptOf(l.set.name), now)
	}
	return out
}

// Path is the folder of the logs, absolute.
func (k *Keeper) Path() string { return filepath.Clean(k.folder.path) }
