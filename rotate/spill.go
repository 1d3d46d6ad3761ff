package rotate

import (
	"sync"
	"time"
)

// patience is how long a writer that is slow but sound may stall the reader
// when the queue is full, as any file would; past it the oldest lines go.
const patience = 2 * time.Second

// tightLimit is the queue's bound while the disk is full and the policy is not
// to keep lines in memory.
const tightLimit = 1 << 20

// gap is a run of lines that were dropped and not told of yet.
type gap struct {
	Count
	from, to time.Time
	reason   string
}

// spill is the bounded queue between the reader and the writer of one log, and
// the one place where lines are counted, so that the sums hold at every moment.
type spill struct {
	pool   *pool
	limit  int64  // bytes of buffers
	policy string // fullSpill, fullDrop, fullBlock

	mu      sync.Mutex
	queue   []*chunk // oldest first
	head    int      // queue[:head] are nil
	held    int64    // bytes of buffers in the queue
	trouble string   // why the file cannot be written; "" while it can
	closed  bool     // no more is pushed
	gap     gap
	tally   tally
	writes  uint64 // chunks finished: progress of the writer
	stuck   bool   // patience ran out, and the writer has not moved since

	wake chan struct{} // capacity 1: one wake-up is as good as many
	room chan struct{} // capacity 1: likewise, for the reader
}

// tally are the counters of a log. in = written + suppressed + dropped + queued.
type tally struct {
	in, written, suppressed, dropped, queued, added Count
}

func newSpill(p *pool, limit int64, policy string) *spill {
	return &spill{pool: p, limit: limit, policy: policy, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// arrive counts bytes the moment they are read, before their lines are known.
func (s *spill) arrive(n int) {
	s.mu.Lock()
	s.tally.in.Bytes += uint64(n)
	s.tally.queued.Bytes += uint64(n)
	s.mu.Unlock()
}

// push takes the chunk over; the caller wakes the writer. It waits for room as the policy says, until stop
// is closed, and then drops the oldest chunks to make some.
func (s *spill) push(c *chunk, stop <-chan struct{}) {
	s.mu.Lock()
	s.tally.in.Lines += uint64(c.lines)
	s.tally.queued.Lines += uint64(c.lines)
	if s.merge(c) {
		s.mu.Unlock()
		return
	}
	if s.full(c) && s.stallsLocked() {
		s.mu.Unlock()
		signal(s.wake)
		s.awaitRoom(c, stop)
		s.mu.Lock()
	}
	for s.full(c) && s.head < len(s.queue) {
		s.dropOldest()
	}
	s.enqueue(c)
	s.mu.Unlock()
}

// merge copies a small chunk behind the last one that waits, so that many small
// reads cannot fill the memory with empty buffers.
func (s *spill) merge(c *chunk) bool {
	if s.head == len(s.queue) || len(c.buf) > chunkSize/4 {
		return false
	}
	last := s.queue[len(s.queue)-1]
	if last.ends != endsItself || cap(last.buf)-len(last.buf) < len(c.buf) {
		return false
	}
	last.buf = append(last.buf, c.buf...)
	last.lines += c.lines
	last.ends = c.ends
	s.pool.put(c)
	return true
}

func (s *spill) full(c *chunk) bool {
	limit := s.limit
	if s.trouble != "" && s.policy != fullSpill {
		limit = min(limit, tightLimit)
	}
	return s.held+int64(cap(c.buf)) > limit && s.head < len(s.queue)
}

// stallsLocked: with block the reader waits for as long as it takes; otherwise
// only for a file that takes bytes, however slowly.
func (s *spill) stallsLocked() bool {
	return s.policy == fullBlock || s.trouble == "" && !s.stuck
}

func (s *spill) awaitRoom(c *chunk, stop <-chan struct{}) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	s.mu.Lock()
	writes := s.writes
	s.mu.Unlock()
	for {
		select {
		case <-s.room:
		case <-stop:
			return
		case <-timer.C:
			s.mu.Lock()
			s.stuck = s.writes == writes
			writes = s.writes
			s.mu.Unlock()
			timer.Reset(patience)
		}
		s.mu.Lock()
		done := !s.full(c) || !s.stallsLocked()
		s.mu.Unlock()
		if done {
			return
		}
	}
}

func (s *spill) enqueue(c *chunk) {
	if s.head > 0 && len(s.queue) == cap(s.queue) {
		n := copy(s.queue, s.queue[s.head:])
		clear(s.queue[n:])
		s.queue, s.head = s.queue[:n], 0
	}
	s.queue = append(s.queue, c)
	s.held += int64(cap(c.buf))
}

func (s *spill) dequeue() *chunk {
	c := s.queue[s.head]
	s.queue[s.head] = nil
	s.head++
	if s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
	}
	s.held -= int64(cap(c.buf))
	return c
}

func (s *spill) dropOldest() {
	reason := s.trouble
	if reason == "" {
		reason = "slow"
	}
	c := s.dequeue()
	s.dropLocked(c.lines, len(c.buf), c.read, reason)
	s.pool.put(c)
}

func (s *spill) dropLocked(lines, bytes int, read time.Time, reason string) {
	s.tally.dropped.add(lines, bytes)
	s.tally.queued.Lines -= uint64(lines)
	s.tally.queued.Bytes -= uint64(bytes)
	if s.gap.Lines == 0 && s.gap.Bytes == 0 {
		s.gap.from, s.gap.reason = read, reason
	}
	s.gap.add(lines, bytes)
	s.gap.to = read
}

// take returns the oldest chunk and the gap before it, which the caller must
// tell; nil without a chunk.
func (s *spill) take() (*chunk, gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gap
	s.gap = gap{}
	if s.head == len(s.queue) {
		return nil, g
	}
	return s.dequeue(), g
}

// finish settles a chunk that take returned: the part of n bytes that was
// written, and the rest as dropped.
func (s *spill) finish(c *chunk, n int) {
	lines := c.lines
	if n < len(c.buf) {
		lines = countLines(c.buf[:n])
		if n > 0 && c.buf[n-1] != '\n' {
			lines-- // the torn line counts as dropped
		}
	}
	s.mu.Lock()
	s.tally.written.add(lines, n)
	s.tally.queued.Lines -= uint64(lines)
	s.tally.queued.Bytes -= uint64(n)
	if n < len(c.buf) {
		s.dropLocked(c.lines-lines, len(c.buf)-n, c.read, s.trouble)
	}
	s.writes++
	s.stuck = false
	s.mu.Unlock()
	s.pool.put(c)
	signal(s.room)
}

// addOwn counts what reeve wrote into the log of its own.
func (s *spill) addOwn(lines, bytes int) {
	s.mu.Lock()
	s.tally.added.add(lines, bytes)
	s.mu.Unlock()
}

// setTrouble says why the file cannot be written, or "" that it can.
func (s *spill) setTrouble(reason string) {
	s.mu.Lock()
	s.trouble = reason
	s.mu.Unlock()
	signal(s.room)
}

// close says that no more is pushed.
func (s *spill) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	signal(s.wake)
}

// state is what the writer's loop needs to know at once.
func (s *spill) state() (waiting int, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) - s.head, s.closed
}

func (s *spill) snapshot() (tally, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally, s.held
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
