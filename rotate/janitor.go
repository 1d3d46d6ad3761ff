package rotate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// maxUnsynced is how many new archives wait for their sync; past it the oldest
// are left to the kernel, which writes them within half a minute anyway.
const maxUnsynced = 1024

// retryZip is when an archive that could not be compressed is tried again.
const retryZip = 30 * time.Second

// janitor does all that takes time: it syncs new archives, removes old ones,
// and compresses. Two goroutines: removal must not wait for a compression,
// because a full disk waits for it.
type janitor struct {
	folder *folder
	events event.Sink
	logs   []*log
	now    func() time.Time
	zip    compressor

	sweepUp chan struct{} // capacity 1: one wake-up is as good as many
	zipUp   chan struct{} // capacity 1: likewise

	mu       sync.Mutex
	unsynced []string // new archives, without folder
	wanted   int64    // bytes to reclaim
	zipping  string   // the archive that the compressor holds
	kept     map[string]keptFacts
	told     map[string]bool // archives whose failure was told
}

// keptFacts is what a log's archives amount to.
type keptFacts struct {
	count int
	bytes int64
}

func newJanitor(f *folder, events event.Sink) *janitor {
	return &janitor{
		folder: f, events: events, now: time.Now, zip: compressor{folder: f},
		sweepUp: make(chan struct{}, 1), zipUp: make(chan struct{}, 1),
		kept: map[string]keptFacts{}, told: map[string]bool{},
	}
}

// turned takes a new archive; it does not block.
func (j *janitor) turned(name string) {
	j.mu.Lock()
	if len(j.unsynced) == maxUnsynced {
		j.unsynced = slices.Delete(j.unsynced, 0, 1)
	}
	j.unsynced = append(j.unsynced, name)
	j.mu.Unlock()
	signal(j.sweepUp)
}

// reclaim asks for bytes of space back; it does not block.
func (j *janitor) reclaim(bytes int64) {
	j.mu.Lock()
	j.wanted = max(j.wanted, bytes)
	j.mu.Unlock()
	signal(j.sweepUp)
}

// sweep removes and syncs until ctx ends, and once more then.
func (j *janitor) sweep(ctx context.Context) error {
	j.sweepOnce()
	for {
		select {
		case <-ctx.Done():
			j.sweepOnce()
			return nil
		case <-j.sweepUp:
			j.sweepOnce()
		}
	}
}

func (j *janitor) sweepOnce() {
	lists := make([][]archive, len(j.logs))
	j.mu.Lock()
	want := j.wanted
	j.wanted = 0
	j.mu.Unlock()
	for i, l := range j.logs {
		all, err := j.folder.archives(l.file.stem)
		if err != nil {
			return // the folder is gone; the writers tell of it
		}
		lists[i] = j.remove(l, all, retain(all, l.set.keep, j.now()))
	}
	if want > 0 {
		plan := reclaim(lists, want)
		for i, l := range j.logs {
			var own []removal
			for _, r := range plan {
				if r.stem == l.file.stem {
					own = append(own, r)
				}
			}
			lists[i] = j.remove(l, lists[i], own)
		}
	}
	j.mu.Lock()
	for i, l := range j.logs {
		facts := keptFacts{count: len(lists[i])}
		for _, a := range lists[i] {
			facts.bytes += a.size
		}
		j.kept[l.set.name] = facts
	}
	j.mu.Unlock()
	j.syncNew()
	signal(j.zipUp)
}

// remove removes what the plan says and returns what is left of all.
func (j *janitor) remove(l *log, all []archive, plan []removal) []archive {
	type sum struct {
		count int
		bytes int64
	}
	sums, gone := map[string]sum{}, map[string]bool{}
	for _, r := range plan {
		j.mu.Lock()
		busy := j.zipping == r.name
		j.mu.Unlock()
		if busy {
			continue // its turn comes when it is compressed
		}
		if err := os.Remove(filepath.Join(j.folder.path, r.name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			j.tell(l, r.name, err)
			continue
		}
		gone[r.name] = true
		s := sums[r.reason]
		sums[r.reason] = sum{s.count + 1, s.bytes + r.size}
	}
	for _, reason := range []string{"count", "age", "total", "reclaim"} {
		if s, ok := sums[reason]; ok {
			l.events.Emit(event.ArchivesRemoved{Log: l.set.name, Count: s.count, Bytes: s.bytes, Reason: reason})
		}
	}
	return slices.DeleteFunc(all, func(a archive) bool { return gone[a.name] })
}

// tell emits an archive's failure once.
func (j *janitor) tell(l *log, name string, err error) {
	j.mu.Lock()
	told := j.told[name]
	if len(j.told) > maxUnsynced {
		clear(j.told)
	}
	j.told[name] = true
	j.mu.Unlock()
	if !told {
		j.events.Emit(event.ArchiveFailed{Log: l.set.name, Archive: name, Error: err.Error()})
	}
}

// syncNew makes new archives durable: their bytes, then their names.
func (j *janitor) syncNew() {
	j.mu.Lock()
	names := j.unsynced
	j.unsynced = nil
	j.mu.Unlock()
	for _, name := range names {
		// One that is compressed or removed already needs no sync.
		if f, err := os.OpenFile(filepath.Join(j.folder.path, name), os.O_RDONLY, 0); err == nil {
			f.Sync()
			f.Close()
		}
	}
	if len(names) > 0 {
		j.folder.sync()
	}
}

// compressAll compresses what has turned, oldest first, until ctx ends. Its
// thread has the lowest priority and dies with it, because priority does not
// come back.
func (j *janitor) compressAll(ctx context.Context) error {
	runtime.LockOSThread()
	yieldThread()
	again := time.NewTicker(retryZip)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-j.zipUp:
		case <-again.C:
		}
		done := false
		for _, l := range j.logs {
			if l.set.compress == compressGzip {
				done = j.compressLog(ctx, l) || done
			}
		}
		j.zip.forget()
		if done {
			signal(j.sweepUp) // total sizes have changed
		}
	}
}

func (j *janitor) compressLog(ctx context.Context, l *log) (done bool) {
	all, err := j.folder.archives(l.file.stem)
	if err != nil {
		return false
	}
	for _, a := range all {
		if a.compressed || ctx.Err() != nil {
			continue
		}
		j.setZipping(a.name)
		before, after, err := j.zip.compress(ctx, a)
		j.setZipping("")
		switch {
		case err == nil:
			done = true
			j.events.Emit(event.ArchiveCompressed{Log: l.set.name, Archive: a.name + gzipSuffix, Before: before, After: after})
		case ctx.Err() != nil, errors.Is(err, os.ErrNotExist):
		case errors.Is(err, errNames) && j.now().Sub(a.at) < retryZip:
			// A rotation is under way; it wakes us when it is done.
		default:
			j.tell(l, a.name, err)
		}
	}
	return done
}

func (j *janitor) setZipping(name string) {
	j.mu.Lock()
	j.zipping = name
	j.mu.Unlock()
}

func (j *janitor) keptOf(log string) keptFacts {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept[log]
}
