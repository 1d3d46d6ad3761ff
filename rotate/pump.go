package rotate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// breather is how long the reader waits after it has emptied a busy pipe by a small read, so
// that a writer of single lines costs a thousand wake-ups a second and not a
// hundred thousand. The pipe holds what comes meanwhile.
const breather = time.Millisecond

// offeredTries bounds the tries for a moment without a read; a read that does
// not wait takes some ten microseconds.
const offeredTries = 1000

// pump reads one log's source and cuts it into chunks of whole lines. Its
// goroutine does nothing that can wait for a disk.
type pump struct {
	source *os.File
	raw    syscall.RawConn
	queue  *spill
	pool   *pool
	tap    func([]byte)
	sample func(chunk []byte, lines int) // feeds the template counter

	stop chan struct{} // closed: push without waiting for room
	done chan struct{} // closed when run has returned

	seen    atomic.Uint64 // bytes read
	reads   atomic.Uint64 // odd while a read may have taken bytes that seen lacks
	carried atomic.Int64  // bytes of the line that is not complete yet

	mu    sync.Mutex
	ends  []chan struct{} // EndLife callers
	drain bool            // read until nothing is there, then end

	// What was asked for before the newest read. An empty source is an answer
	// to those only: who asks later may have written in between.
	askedEnds  int
	askedDrain bool

	cur    *chunk // the chunk being filled; nil while idle
	carry  []byte // the unfinished line while idle
	n      int
	room   int // what the last read could have taken
	small  int // a read that leaves the source time to gather more
	unsaid int // chunks that the writer was not woken for
	err    error
	readFn func(fd uintptr) bool
}

func newPump(source *os.File, queue *spill, p *pool) (*pump, error) {
	raw, err := source.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("reach the descriptor of %s: %w", source.Name(), err)
	}
	m := &pump{source: source, raw: raw, queue: queue, pool: p, stop: make(chan struct{}), done: make(chan struct{})}
	m.readFn = m.readOnce
	// A pipe that is nearly full must not wait: its writer does already.
	raw.Control(func(fd uintptr) { m.small = min(chunkSize/4, capacity(int(fd))/4) })
	return m, nil
}

// readOnce is one read(2). It borrows a buffer only for the call, so that a log
// that is silent holds none; false makes the runtime wait for the descriptor.
func (m *pump) readOnce(fd uintptr) bool {
	if m.cur == nil {
		m.cur = m.pool.get()
		m.cur.buf = append(m.cur.buf, m.carry...)
		m.carry = m.carry[:0]
	}
	c := m.cur
	if len(c.buf) == cap(c.buf) {
		c.buf = append(make([]byte, 0, LineCap), c.buf...)
	}
	m.room = cap(c.buf) - len(c.buf)
	m.notice()
	m.reads.Add(1)
	for {
		m.n, m.err = syscall.Read(int(fd), c.buf[len(c.buf):cap(c.buf)])
		if m.err != syscall.EINTR {
			break
		}
	}
	m.seen.Add(uint64(max(m.n, 0)))
	m.reads.Add(1)
	if m.err == syscall.EAGAIN {
		m.n = 0
		m.rest()
		m.say()
		return m.askedDrain || m.askedEnds > 0
	}
	return true
}

// rest gives the buffer back and keeps only the unfinished line.
func (m *pump) rest() {
	m.carry = append(m.carry[:0], m.cur.buf...)
	m.pool.put(m.cur)
	m.cur = nil
	if cap(m.carry) > chunkSize && len(m.carry) < chunkSize/4 {
		m.carry = append([]byte(nil), m.carry...)
	}
}

// notice takes down who waits for the source to be empty.
func (m *pump) notice() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.askedEnds, m.askedDrain = len(m.ends), m.drain
}

// leaving reports whether somebody waits for the source to be empty.
func (m *pump) leaving() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.drain || len(m.ends) > 0
}

// run pumps until the source ends, or until it is empty after drainAndStop.
func (m *pump) run() error {
	var last time.Time
	for {
		err := m.raw.Read(m.readFn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			m.source.SetReadDeadline(time.Time{})
			continue
		}
		if err == nil {
			err = m.err
		}
		switch {
		case err == syscall.EAGAIN:
			if m.settle() {
				return nil
			}
			continue
		case err != nil, m.n == 0:
			m.finishLine()
			m.notice()
			m.settle()
			return readError(m.source, err)
		}
		now := time.Now()
		emptied := m.n < m.room
		m.took(now)
		m.say()
		if emptied && m.n < m.small && now.Sub(last) < 2*breather && !m.leaving() {
			time.Sleep(breather)
			now = now.Add(breather)
		}
		last = now
	}
}

func readError(source *os.File, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return fmt.Errorf("read %s: %w", source.Name(), err)
}

// took handles the n bytes just read into the end of the current chunk.
func (m *pump) took(now time.Time) {
	c := m.cur
	fresh := len(c.buf)
	c.buf = c.buf[:fresh+m.n]
	m.queue.arrive(m.n)
	// What is carried is told before the chunk is pushed: told after, the old
	// number would stand beside a chunk that is written already.
	end := bytes.LastIndexByte(c.buf[fresh:], '\n')
	switch {
	case end >= 0:
		rest := c.buf[fresh+end+1:]
		m.carried.Store(int64(len(rest)))
		m.send(rest, endsItself, now)
	case len(c.buf) >= LineCap:
		m.carried.Store(0)
		m.send(nil, endsCut, now)
	default:
		m.carried.Store(int64(len(c.buf)))
	}
}

// offered is how many bytes the writer of the log has ever written: those that
// were read, and those that wait in the pipe. The two are looked at while no
// read is under way; a source whose reads wait (a plain file) is looked at as
// it stands after a few tries.
func (m *pump) offered() uint64 {
	for try := 0; ; try++ {
		before := m.reads.Load()
		waiting := 0
		m.raw.Control(func(fd uintptr) { waiting = pending(int(fd)) })
		sum := m.seen.Load() + uint64(waiting)
		if before%2 == 0 && m.reads.Load() == before || try == offeredTries {
			return sum
		}
		runtime.Gosched()
	}
}

// send pushes the current chunk without its rest, which starts the next one.
func (m *pump) send(rest []byte, ends lineEnd, now time.Time) {
	c := m.cur
	m.cur = nil
	if len(rest) > 0 {
		m.cur = m.pool.get()
		m.cur.buf = append(m.cur.buf, rest...)
	}
	c.buf = c.buf[:len(c.buf)-len(rest)]
	c.ends, c.read = ends, now
	c.lines = countLines(c.buf)
	if m.tap != nil {
		m.tap(c.buf)
	}
	if m.sample != nil {
		m.sample(c.buf, c.lines)
	}
	m.queue.push(c, m.stop)
	m.unsaid++
}

// say wakes the writer for what was queued.
func (m *pump) say() {
	if m.unsaid > 0 {
		m.unsaid = 0
		signal(m.queue.wake)
	}
}

// finishLine sends an unfinished line as it is: nobody will finish it.
func (m *pump) finishLine() {
	if m.cur == nil && len(m.carry) > 0 {
		m.cur = m.pool.get()
		m.cur.buf = append(m.cur.buf, m.carry...)
		m.carry = m.carry[:0]
	}
	if m.cur == nil || len(m.cur.buf) == 0 {
		return
	}
	m.carried.Store(0)
	m.send(nil, endsLife, time.Now())
}

// settle serves those who waited, when the newest read was made, for the source
// to be empty, and reports whether that was to be the end.
func (m *pump) settle() (done bool) {
	done = m.askedDrain
	m.mu.Lock()
	waiting := m.ends[:m.askedEnds:m.askedEnds]
	m.ends = m.ends[m.askedEnds:]
	m.mu.Unlock()
	if done || len(waiting) > 0 {
		m.finishLine()
	}
	m.say()
	for _, ch := range waiting {
		close(ch)
	}
	return done
}

// end lets go of everything once run has returned.
func (m *pump) end() {
	m.source.Close()
	m.release()
	m.queue.close()
	close(m.done)
}

// release gives the buffers back.
func (m *pump) release() {
	if m.cur != nil {
		m.pool.put(m.cur)
		m.cur = nil
	}
	m.carry = nil
}

// endLife asks for the unfinished line to be ended once the source is empty;
// the channel is closed when it is.
func (m *pump) endLife() <-chan struct{} {
	done := make(chan struct{})
	m.mu.Lock()
	m.ends = append(m.ends, done)
	m.mu.Unlock()
	m.nudge()
	return done
}

// drainAndStop ends the pump once the source is empty.
func (m *pump) drainAndStop() {
	m.mu.Lock()
	m.drain = true
	m.mu.Unlock()
	m.nudge()
}

// nudge wakes a sleeping read. A source that knows no deadlines (a plain file,
// a terminal) is not woken; it ends by itself.
func (m *pump) nudge() { m.source.SetReadDeadline(time.Unix(1, 0)) }
