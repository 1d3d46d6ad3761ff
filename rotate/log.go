package rotate

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// retryWrite is how often a refused write is tried again.
	retryWrite = 100 * time.Millisecond
	// retryTurn is how long a log that could not be turned is left alone.
	retryTurn = 10 * time.Second
	// askPatience bounds how long a rotation waits for lines that were written
	// before it was asked for.
	askPatience = time.Second
	// askPoll is how often such lines are looked for.
	askPoll = 5 * time.Millisecond
)

// log is one log: a queue, the file behind it, and when that turns. Its run
// method is the only one to touch the file.
type log struct {
	set    settings
	events event.Sink
	queue  *spill
	pump   *pump
	file   *live
	turned func(name string)        // an archive is complete; must not block
	now    func() time.Time         // the wall clock
	wait   func(time.Duration) bool // waits before a refused write is tried again; false: abandon
	noTurn time.Time                // no rotation by size before this
	failed bool                     // the last rotation failed, and that was told
	barred bool                     // something foreign is at the path, and that was told

	abandon chan struct{} // closed: what cannot be written now is dropped

	mu      sync.Mutex
	asks    []*ask
	look    bool // the file is to be checked
	facts   facts
	trouble error     // of the last refused write; nil while writes succeed
	since   time.Time // of the last refusal by the disk
}

// facts are what the log's loop tells others.
type facts struct {
	size       int64
	rotations  uint64
	last       time.Time
	lastReason string
	level      Level
	lost       gap // dropped, told in the log, and not told as an event yet
}

// ask is a rotation that somebody wants.
type ask struct {
	reason string
	upTo   uint64    // bytes of the source that should be in the archive
	since  time.Time //
	reply  chan turnResult
}

type turnResult struct {
	archive string // full path; "" where the log was empty
	err     error
}

// run writes until the queue is closed and empty.
func (l *log) run() error {
	for {
		asked := l.serve()
		c, g := l.queue.take()
		if g.Lines > 0 {
			l.tellGap(g)
		}
		if c != nil {
			l.writeChunk(c)
			continue
		}
		if waiting, closed := l.queue.state(); waiting > 0 {
			continue
		} else if closed {
			l.serveRest()
			l.file.close()
			return nil
		}
		l.idle(asked)
	}
}

func (l *log) idle(asked bool) {
	if !asked {
		<-l.queue.wake
		return
	}
	timer := time.NewTimer(askPoll)
	defer timer.Stop()
	select {
	case <-l.queue.wake:
	case <-timer.C:
	}
}

// order puts an ask in the mailbox.
func (l *log) order(a *ask) {
	l.mu.Lock()
	l.asks = append(l.asks, a)
	l.mu.Unlock()
	signal(l.queue.wake)
}

// lookSoon asks for a check of the file.
func (l *log) lookSoon() {
	l.mu.Lock()
	l.look = true
	l.mu.Unlock()
	signal(l.queue.wake)
}

// serve does what the mailbox asks for and is ready; it reports whether
// something is left that waits for lines.
func (l *log) serve() (left bool) {
	l.mu.Lock()
	asks, look := l.asks, l.look
	l.asks, l.look = nil, false
	l.mu.Unlock()
	if look {
		l.checkFile()
	}
	for i, a := range asks {
		if !l.ready(a) {
			l.mu.Lock()
			l.asks = append(asks[i:len(asks):len(asks)], l.asks...)
			l.mu.Unlock()
			return true
		}
		l.answer(a)
	}
	return false
}

// serveRest answers what is left when the log ends.
func (l *log) serveRest() {
	l.mu.Lock()
	asks := l.asks
	l.asks = nil
	l.mu.Unlock()
	for _, a := range asks {
		l.answer(a)
	}
}

func (l *log) ready(a *ask) bool {
	if a.upTo == 0 || l.now().Sub(a.since) > askPatience {
		return true
	}
	t, _ := l.queue.snapshot()
	settled := t.in.Bytes - t.queued.Bytes
	return t.in.Bytes >= a.upTo && settled+uint64(l.pump.carried.Load()) >= a.upTo
}

func (l *log) answer(a *ask) {
	name, err := l.turn(a.reason)
	if name != "" {
		name = filepath.Join(l.file.dir, name)
	}
	a.reply <- turnResult{archive: name, err: err} // capacity 1, one answer
}

// turn rotates now. The file ends at the end of a line, because whoever calls
// it is between two chunks or has checked.
func (l *log) turn(reason string) (string, error) {
	l.checkFile()
	size, at := l.file.size, l.now()
	name, err := l.file.turn(reason, at)
	if err != nil {
		l.noTurn = at.Add(retryTurn)
		if !l.failed {
			l.failed = true
			l.events.Emit(event.LogRotateFailed{Log: l.set.name, Reason: reason, Error: err.Error()})
		}
	}
	if name == "" {
		l.note()
		return "", err
	}
	if err == nil && l.failed {
		l.failed = false
		l.events.Emit(event.LogRotateRecovered{Log: l.set.name})
	}
	l.mu.Lock()
	l.facts.rotations++
	l.facts.last, l.facts.lastReason = at, reason
	l.facts.size = l.file.size
	l.mu.Unlock()
	l.events.Emit(event.LogRotated{Log: l.set.name, Archive: name, Reason: reason, Bytes: size})
	l.turned(name)
	return name, err
}

func (l *log) note() {
	l.mu.Lock()
	l.facts.size = l.file.size
	l.mu.Unlock()
}

func (l *log) checkFile() (reopened bool) {
	what := l.file.check()
	if what == "" {
		return false
	}
	l.events.Emit(event.LogReopened{Log: l.set.name, Path: l.file.path, What: what})
	// An empty file at the path tells an operator that the log goes on there.
	l.file.ensure()
	return what != "truncated"
}

// writeChunk writes all of the chunk, turning the file where it reaches its
// size, for as long as it takes or until the log is abandoned.
func (l *log) writeChunk(c *chunk) {
	off := 0
	for off < len(c.buf) {
		end := l.reach(c.buf, off)
		if end == off {
			l.turn("size")
			continue
		}
		n, err := l.file.write(c.buf[off:end])
		off += n
		if err == nil {
			continue
		}
		if !l.suffer(err, torn(c.buf, off)) {
			l.queue.finish(c, off)
			return
		}
		if !l.file.open && torn(c.buf, off) {
			// The torn line's file is gone: the line begins anew in the next.
			off = bytes.LastIndexByte(c.buf[:off], '\n') + 1
		}
	}
	tail := c.tail()
	l.queue.finish(c, off)
	l.writeOwn(tail, 0)
	l.wellAgain()
	l.note()
}

func torn(b []byte, off int) bool { return off > 0 && off < len(b) && b[off-1] != '\n' }

// reach is the end of what may be written from off on before the file must
// turn; off itself where it must turn first.
func (l *log) reach(b []byte, off int) int {
	room := l.set.maxSize - l.file.size
	if l.set.maxSize == 0 || int64(len(b)-off) <= room || l.now().Before(l.noTurn) {
		return len(b)
	}
	line := off + bytes.IndexByte(b[off:], '\n') + 1
	if line == off {
		line = len(b)
	}
	if torn(b, off) {
		return line
	}
	if room > 0 {
		if i := bytes.LastIndexByte(b[off:off+int(room)], '\n'); i >= 0 {
			return off + i + 1
		}
	}
	if l.file.size == 0 {
		return line // a line longer than the file may be
	}
	return off
}

// suffer is called when a write was refused. It returns when it is worth trying
// again, or false when there is no more time.
func (l *log) suffer(err error, torn bool) bool {
	l.queue.setTrouble(refusal(err))
	l.mu.Lock()
	if l.trouble = err; !isForeign(err) {
		l.since = l.now() // the disk's fault
	}
	l.mu.Unlock()
	if isForeign(err) && !l.barred {
		l.barred, l.failed = true, true
		l.events.Emit(event.LogRotateFailed{Log: l.set.name, Reason: "foreign", Error: err.Error() + "; its lines wait until that is moved away"})
	}
	if !l.wait(retryWrite) {
		return false
	}
	if torn {
		l.refuseAsks()
		l.checkFile()
	} else {
		l.serve()
	}
	return true
}

// errTorn refuses a rotation that would split a line.
var errTorn = errors.New("the file ends inside a line that the disk refused")

func (l *log) refuseAsks() {
	l.mu.Lock()
	asks := l.asks
	l.asks = nil
	l.mu.Unlock()
	for _, a := range asks {
		a.reply <- turnResult{err: fmt.Errorf("turn log %s: %w", l.set.name, errTorn)}
	}
}

func (l *log) wellAgain() {
	l.mu.Lock()
	was := l.trouble
	l.trouble = nil
	l.mu.Unlock()
	if was != nil {
		l.queue.setTrouble("")
	}
	if l.barred {
		l.barred, l.failed = false, false
		l.events.Emit(event.LogRotateRecovered{Log: l.set.name})
	}
}

// tellGap writes the line that stands for lines that were dropped.
func (l *log) tellGap(g gap) {
	const layout = "2006-01-02T15:04:05.000Z07:00"
	line := fmt.Sprintf("reeve: gap: %d lines, %d bytes, from %s to %s, reason=%s\n",
		g.Lines, g.Bytes, g.from.UTC().Format(layout), g.to.UTC().Format(layout), g.reason)
	l.mu.Lock()
	if l.facts.lost.Lines == 0 {
		l.facts.lost = g
	} else {
		l.facts.lost.Lines += g.Lines
		l.facts.lost.Bytes += g.Bytes
		l.facts.lost.to = g.to
	}
	l.mu.Unlock()
	l.writeOwn(line, 1)
}

// writeOwn writes reeve's own text, which is not of the log's lines.
func (l *log) writeOwn(text string, lines int) {
	p := []byte(text)
	off := 0
	for off < len(p) {
		n, err := l.file.write(p[off:])
		off += n
		if err != nil && !l.suffer(err, true) {
			break
		}
	}
	if off > 0 {
		l.queue.addOwn(lines, off)
	}
}
