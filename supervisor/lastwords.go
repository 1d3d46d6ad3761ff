package supervisor

import (
	"bytes"
	"slices"
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

	since int  // bytes written since Turn; no more than the ring holds
	whole bool // nothing of them was overwritten
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
	w.whole = w.whole && w.since+n <= len(w.ring)
	w.since = min(w.since+n, len(w.ring))
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

// Turn begins a new life's words: what was written before is kept for Lines,
// and is none of LifeLines any more.
func (w *LastWords) Turn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.whole = 0, true
}

// Lines returns up to the last n lines of all lives, oldest first, without
// their newlines. A line whose beginning is lost counts only where there is no
// other.
func (w *LastWords) Lines(n int) []string {
	text, cut := w.end(false)
	return lastLines(text, cut, n)
}

// LifeLines is Lines of what was written since the last Turn: a life that died
// without a word is not given those of another.
func (w *LastWords) LifeLines(n int) []string {
	text, cut := w.end(true)
	return lastLines(text, cut, n)
}

// end copies what is kept, or what the life has written of it; cut tells that
// it does not begin at a line's beginning for sure.
func (w *LastWords) end(ofLife bool) (text []byte, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		text = append(text, w.ring[w.at:]...)
	}
	text = append(text, w.ring[:w.at]...)
	if !ofLife {
		return text, w.full
	}
	return text[max(0, len(text)-w.since):], w.full && !w.whole
}

func lastLines(text []byte, cut bool, n int) []string {
	text = bytes.TrimRight(text, "\n")
	if len(text) == 0 || n <= 0 {
		return nil
	}
	lines := strings.Split(strings.ToValidUTF8(string(text), "\uFFFD"), "\n")
	if cut && len(lines) > 1 {
		lines = lines[1:]
	}
	lines = slices.Clone(lines[max(0, len(lines)-n):])
	for i, line := range lines {
		lines[i] = strings.Clone(line) // an event that keeps it must not keep all
	}
	return lines
}
