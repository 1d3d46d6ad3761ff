package main

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// screen is standard error: the journal's lines and, on a terminal, one live
// line under them that is drawn anew.
type screen struct {
	out io.Writer
	tty bool

	mu   sync.Mutex
	line string // the live line as it stands, "" for none
}

func newScreen(f *os.File) *screen {
	_, err := unix.IoctlGetTermios(int(f.Fd()), termiosRequest)
	return &screen{out: f, tty: err == nil}
}

// clear is a carriage return and "erase to the end of the line" (ECMA-48 EL).
const clear = "\r\x1b[K"

// Write writes journal lines above the live line.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == "" {
		return s.out.Write(p)
	}
	text := append([]byte(clear), p...)
	text = append(text, s.line...)
	if _, err := s.out.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// live replaces the live line; "" takes it away. Off a terminal it does
// nothing.
func (s *screen) live(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tty || line == s.line {
		return
	}
	s.line = line
	_, _ = io.WriteString(s.out, clear+line) // the journal counts what the terminal refuses
}
