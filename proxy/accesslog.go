package proxy

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

const (
	// accessBatch is how much is written at once, in bytes.
	accessBatch = 64 << 10
	// accessRoom is how much may wait for a reader that is slow, in bytes.
	accessRoom = 1 << 20
	// accessEvery is how long a line waits for others at most.
	accessEvery = 100 * time.Millisecond
	// accessLast is how long the end waits for a blocked reader.
	accessLast = time.Second
)

// accessLog collects lines and writes them from one goroutine, many in one
// Write, so that no request waits for whoever reads the log.
type accessLog struct {
	out  io.Writer
	sink event.Sink

	mu   sync.Mutex // held for the length of a copy, never across a Write
	buf  []byte
	gap  gap
	lost uint64 // in all

	wake chan struct{} // 1: a full batch waits, which needs to be known once
	stop chan struct{}
	done chan struct{}
}

// gap is what was dropped since the last write.
type gap struct {
	lines, bytes uint64
	from, to     time.Time
}

func newAccessLog(out io.Writer, sink event.Sink) *accessLog {
	return &accessLog{
		out: out, sink: sink,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// add takes a line, or drops and counts it where too much waits already.
func (l *accessLog) add(line []byte, now time.Time) {
	l.mu.Lock()
	if len(l.buf)+len(line) > accessRoom {
		l.gap.join(gap{lines: 1, bytes: uint64(len(line)), from: now, to: now})
		l.lost++
		l.mu.Unlock()
		return
	}
	l.buf = append(l.buf, line...)
	full := len(l.buf) >= accessBatch
	l.mu.Unlock()
	if full {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// dropped is the number of lines lost so far.
func (l *accessLog) dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// run writes until close.
func (l *accessLog) run() {
	defer close(l.done)
	tick := time.NewTicker(accessEvery)
	defer tick.Stop()
	var spare []byte
	for {
		select {
		case <-tick.C:
		case <-l.wake:
		case <-l.stop:
			l.flush(spare)
			return
		}
		spare = l.flush(spare)
	}
}

// flush swaps the buffer for spare, writes it, and returns it to be the next
// spare. A log that cannot be written to loses what it was given, counted.
func (l *accessLog) flush(spare []byte) []byte {
	l.mu.Lock()
	full, missed := l.buf, l.gap
	l.buf, l.gap = spare[:0], gap{}
	l.mu.Unlock()
	if len(full) == 0 && missed.lines == 0 {
		return full
	}
	if missed.lines > 0 {
		full = append(full, missed.line()...)
	}
	n, err := l.out.Write(full)
	if err == nil {
		if missed.lines > 0 {
			l.sink.Emit(event.LinesDropped{Log: "access", Lines: missed.lines, Bytes: missed.bytes,
				From: missed.from, To: missed.to, Reason: "the access log could not be written in time"})
		}
		return full
	}
	rest := full[min(n, len(full)):]
	if missed.lines > 0 { // its own line was not one of the log's
		rest = rest[:max(0, len(rest)-len(missed.line()))]
	}
	lines := countLines(rest)
	now := time.Now()
	l.mu.Lock()
	l.gap.join(gap{lines: lines, bytes: uint64(len(rest)), from: now, to: now})
	l.gap.join(missed)
	l.lost += lines
	l.mu.Unlock()
	return full
}

// join adds what another gap lost.
func (g *gap) join(o gap) {
	if o.lines == 0 {
		return
	}
	if g.lines == 0 || o.from.Before(g.from) {
		g.from = o.from
	}
	if o.to.After(g.to) {
		g.to = o.to
	}
	g.lines += o.lines
	g.bytes += o.bytes
}

// line is what stands in the log where lines are missing. It is not JSON in a
// log of JSON on purpose: no reader may take it for a request.
func (g gap) line() string {
	return fmt.Sprintf("# gap: %d lines, %d bytes, from %s to %s\n", g.lines, g.bytes,
		g.from.UTC().Format(time.RFC3339Nano), g.to.UTC().Format(time.RFC3339Nano))
}

func countLines(b []byte) (n uint64) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}

// close writes what waits and ends run. A writer that blocks gets a second;
// one that has no deadlines is left to its Write after that, because the lines
// cannot be taken back from it.
func (l *accessLog) close() {
	if d, ok := l.out.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = d.SetWriteDeadline(time.Now().Add(accessLast)) // files without deadlines do not block either
	}
	close(l.stop)
	t := time.NewTimer(2 * accessLast)
	defer t.Stop()
	select {
	case <-l.done:
	case <-t.C:
	}
}
