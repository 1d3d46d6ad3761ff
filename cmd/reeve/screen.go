package main

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// screen is standard error: the journal's lines and, on a terminal, one live
// line under them that is drawn anew.
//
// Nobody promised to read it. One goroutine writes, behind a bounded queue, so
// that a pipe that is full holds up neither the journal for long nor the stop
// at all.
type screen struct {
	tty bool

	mu     sync.Mutex
	queue  chan note
	full   bool // the last wait for room was in vain
	closed bool
	done   chan struct{} // closed when the goroutine has written all
}

// note is what goes to the goroutine: lines, or a new live line.
type note struct {
	lines []byte
	live  string
}

const (
	// screenQueue is the number of notes that wait: a burst of events at a
	// restart is some ten.
	screenQueue = 256
	// screenPatience is how long a line waits for room, and how long the end
	// waits for the last line to be taken.
	screenPatience = time.Second
)

var errScreenFull = errors.New("standard error takes nothing")

func newScreen(f *os.File) *screen {
	_, err := unix.IoctlGetTermios(int(f.Fd()), termiosRequest)
	return startScreen(f, err == nil)
}

func startScreen(out io.Writer, tty bool) *screen {
	s := &screen{tty: tty, queue: make(chan note, screenQueue), done: make(chan struct{})}
	go s.run(out)
	return s
}

// eraseLine is a carriage return and "erase to the end of the line" (ECMA-48 EL).
const eraseLine = "\r\x1b[K"

func (s *screen) run(out io.Writer) {
	defer close(s.done)
	live := ""
	for n := range s.queue {
		text := n.lines
		switch {
		case n.lines == nil && n.live == live:
			continue
		case n.lines == nil:
			live = n.live
			text = []byte(eraseLine + live)
		case live != "":
			text = append(append([]byte(eraseLine), n.lines...), live...)
		}
		_, _ = out.Write(text) // a closed standard error is the operator's wish
	}
}

// Write queues lines of the journal. Once a wait for room was in vain, lines
// are refused at once until there is room again; the journal counts them.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, os.ErrClosed
	}
	n := note{lines: append([]byte(nil), p...)}
	select {
	case s.queue <- n:
		s.full = false
		return len(p), nil
	default:
	}
	if s.full {
		return 0, errScreenFull
	}
	select {
	case s.queue <- n:
		return len(p), nil
	case <-time.After(screenPatience):
		s.full = true
		return 0, errScreenFull
	}
}

// live replaces the live line; "" takes it away. Off a terminal, or where
// nothing is taken, it does nothing.
func (s *screen) live(line string) {
	if !s.tty {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	select {
	case s.queue <- note{live: line}:
	default:
	}
}

// close ends the goroutine once it has written what is queued, or leaves it to
// the end of the process where nobody takes it.
func (s *screen) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.queue)
	}
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-time.After(screenPatience):
	}
}

// tell writes a last word for the operator, unless nobody takes it.
func tell(out io.Writer, text string) {
	s := startScreen(out, false)
	_, _ = io.WriteString(s, text+"\n")
	s.close()
}
