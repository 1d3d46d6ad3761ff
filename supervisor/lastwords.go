package supervisor

import (
	"bytes"
	"strings"
	"sync"
)

// LastWords keeps the end of what a child wrote. It is a tap: hang it behind
// whoever reads the child's pipe, with io.MultiWriter or by hand. The zero
// LastWords keeps DefaultLastWords bytes.
type LastWords struct {
	mu   sync.Mutex
	ring []byte
	at   int  // where the next byte goes
	full bool // the ring has wrapped
}

// DefaultLastWords is the number of bytes that a LastWords keeps by default:
// some hundred lines.
const DefaultLastWords = 32 << 10

// NewLastWords keeps up to size bytes; 0 means DefaultLastWords.
func NewLastWords(size int) *LastWords {
	if size <= 0 {
		size = DefaultLastWords
	}
	return &LastWords{ring: make([]byte, size)}
}

// Write never fails, and never blocks longer than it takes to copy what fits.
func (w *LastWords) Write(p []byte) (int, error) {
	n := len(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ring == nil {
		w.ring = make([]byte, DefaultLastWords)
	}
	if len(p) >= len(w.ring) {
		copy(w.ring, p[len(p)-len(w.ring):])
		w.at, w.full = 0, true
		return n, nil
	}
	c := copy(w.ring[w.at:], p)
	if w.at += c; w.at == len(w.ring) {
		w.at, w.full = copy(w.ring, p[c:]), true
	}
	return n, nil
}

// Lines returns up to the last n lines, oldest first, without their newlines.
// A line whose beginning is lost counts only where there is no other.
func (w *LastWords) Lines(n int) []string {
	w.mu.Lock()
	var text []byte
	cut := w.full
	if cut {
		text = append(text, w.ring[w.at:]...)
	}
	text = append(text, w.ring[:w.at]...)
	w.mu.Unlock()
	text = bytes.TrimRight(text, "\n")
	if len(text) == 0 || n <= 0 {
		return nil
	}
	lines := strings.Split(strings.ToValidUTF8(string(text), "\uFFFD"), "\n")
	if cut && len(lines) > 1 {
		lines = lines[1:]
	}
	return lines[max(0, len(lines)-n):]
}
