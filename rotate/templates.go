package rotate

import "github.com/reeveproxy/reeve/internal/event"

// Templates counts repeating lines in bounded memory.
type Templates struct{ lines uint64 }

// NewTemplates returns an empty Templates.
func NewTemplates() *Templates { return &Templates{} }

// Observe takes a chunk of a log, in order. Of a last line without newline up
// to 4 KiB are kept for the next chunk.
func (t *Templates) Observe(chunk []byte) {}

// Sample observes only the whole lines within the first limit bytes of a chunk
// that begins at the start of a line, and nothing of the rest.
func (t *Templates) Sample(chunk []byte, limit int) {}

// Top returns the n most frequent templates, most frequent first.
func (t *Templates) Top(n int) []event.LogLine { return nil }

// Share is the part of all observed lines that the most frequent template has,
// 0 to 1; 0 where none was observed.
func (t *Templates) Share() float64 { return 0 }

// Lines is how many lines were observed since the last Reset.
func (t *Templates) Lines() uint64 { return t.lines }

// Reset begins a new window.
func (t *Templates) Reset() { t.lines = 0 }
