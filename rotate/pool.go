package rotate

import (
	"bytes"
	"sync"
	"time"
)

// chunkSize is the buffer of one chunk: half of a full pipe, so that the writer
// of the log fills one half while the other is read, and one waking of the
// thread that writes the file is worth its price.
const chunkSize = 512 << 10

// maxIdle is how many free buffers a pool keeps for the next burst, 16 MiB; a
// pool that nobody borrows from is trimmed.
const maxIdle = 32

// chunk is a buffer with whole lines, in the order they were read. Only the
// last line may lack its newline, and then it is complete all the same: it was
// cut at LineCap or its writer ended.
type chunk struct {
	buf   []byte // len: the filled part
	lines int
	ends  lineEnd
	read  time.Time
}

// lineEnd says how a chunk's last line ends.
type lineEnd int

const (
	endsItself lineEnd = iota // with its own newline
	endsCut                   // cut at LineCap: marked and ended by reeve
	endsLife                  // its writer ended: ended by reeve
)

// tail is what reeve adds after the chunk's bytes.
func (c *chunk) tail() string {
	switch c.ends {
	case endsCut:
		return " [reeve: line cut]\n"
	case endsLife:
		return "\n"
	default:
		return ""
	}
}

// countLines counts lines in b, an unended last one included.
func countLines(b []byte) int {
	n := bytes.Count(b, newline)
	if len(b) > 0 && b[len(b)-1] != '\n' {
		n++
	}
	return n
}

var newline = []byte{'\n'}

// pool lends chunks, so that a steady flow allocates nothing, and forgets the
// free ones when nobody asks any more, so that an idle reeve is small.
type pool struct {
	mu   sync.Mutex
	free []*chunk
	busy bool // borrowed from since the last trim
}

func (p *pool) get() *chunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy = true
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free[n-1] = nil
		p.free = p.free[:n-1]
		return c
	}
	return &chunk{buf: make([]byte, 0, chunkSize)}
}

// put takes a chunk back. Those that grew for a long line are left to the
// collector.
func (p *pool) put(c *chunk) {
	if cap(c.buf) != chunkSize {
		return
	}
	c.buf, c.lines, c.ends = c.buf[:0], 0, endsItself
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < maxIdle {
		p.free = append(p.free, c)
	}
}

// trim forgets the free chunks if none was borrowed since the last trim.
func (p *pool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.busy {
		p.free = nil
	}
	p.busy = false
}
