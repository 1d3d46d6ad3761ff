package rotate

import (
	"bytes"
	"hash/maphash"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/reeveproxy/reeve/internal/event"
)

// Sizes of a Templates. All memory, about 130 KiB, is taken once.
const (
	templateSlots = 256  // templates counted at a time
	templateCap   = 192  // bytes kept of a template
	sampleCap     = 200  // bytes kept and shown of a sample
	carryCap      = 4096 // bytes kept of a line that is not complete yet
	lookCap       = 1024 // bytes of a line that are looked at
)

// Templates counts repeating lines in bounded memory. Lines that differ only in
// numbers, hex words, UUIDs, addresses or quoted parts have one template.
//
// It is the Space-Saving sketch: 256 counters, of which the smallest goes to
// each template that is new. Whatever makes up more than 1/256 of all lines has
// a counter, and the counters together are the lines observed, always. A count
// that was inherited so is not reported: what Top tells is at least there.
//
// Observe allocates nothing. A line like the one before it costs a comparison;
// any other costs about as much as hashing it does, which at full speed is too
// much for every line: use Sample where chunks come fast. A Templates is not
// safe for use by several goroutines.
type Templates struct {
	seed    maphash.Seed
	lines   uint64
	used    int
	counts  [templateSlots]uint64
	slots   [templateSlots]slot
	index   slotIndex
	least   uint64 // no count is smaller
	hand    int    // where the search for the least goes on
	last    [lookCap]byte
	lastLen int // of the line before; -1 for none
	lastAt  int // its slot
	carry   [carryCap]byte
	carried int
	partial bool // carry holds the beginning of a line
	scratch [templateCap]byte
}

type slot struct {
	hash      uint64
	inherited uint64 // part of the count that may be of others
	template  [templateCap]byte
	sample    [sampleCap]byte
	tlen      int
	slen      int
}

// NewTemplates returns an empty Templates.
func NewTemplates() *Templates {
	return &Templates{seed: maphash.MakeSeed(), lastLen: -1}
}

// Observe takes a chunk of a log, in order. Of a last line without newline up
// to 4 KiB are kept until the next chunk completes it.
func (t *Templates) Observe(chunk []byte) {
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			t.carried += copy(t.carry[t.carried:], chunk)
			t.partial = true
			return
		}
		if t.partial {
			t.carried += copy(t.carry[t.carried:], chunk[:end])
			t.line(t.carry[:t.carried])
			t.carried, t.partial = 0, false
		} else {
			t.line(chunk[:end])
		}
		chunk = chunk[end+1:]
	}
}

// Sample observes only the whole lines within the first limit bytes of a chunk
// that begins at the start of a line, and nothing of the rest.
func (t *Templates) Sample(chunk []byte, limit int) {
	t.carried, t.partial = 0, false
	head := chunk[:min(max(limit, 0), len(chunk))]
	t.Observe(head[:bytes.LastIndexByte(head, '\n')+1])
}

// line counts one line, without its newline.
func (t *Templates) line(line []byte) {
	t.lines++
	line = bytes.TrimSuffix(line, []byte{'\r'})
	line = line[:min(len(line), lookCap)]
	if len(line) == t.lastLen && bytes.Equal(line, t.last[:t.lastLen]) {
		t.counts[t.lastAt]++
		return
	}
	template := collapse(t.scratch[:0], line, true)
	hash := maphash.Bytes(t.seed, template)
	at, found := t.index.find(hash, &t.slots)
	if !found {
		at = t.claim()
		s := &t.slots[at]
		s.hash, s.inherited = hash, t.counts[at]
		s.tlen = copy(s.template[:], template)
		s.slen = copy(s.sample[:], line)
		t.index.put(hash, at)
	}
	t.counts[at]++
	t.lastAt, t.lastLen = at, copy(t.last[:], line)
}

// claim returns a slot for a new template: a free one, or the one of the least
// count, which it takes from its owner.
func (t *Templates) claim() int {
	if t.used < templateSlots {
		t.used++
		return t.used - 1
	}
	for range templateSlots {
		t.hand = (t.hand + 1) % templateSlots
		if t.counts[t.hand] <= t.least {
			t.index.remove(t.hand, &t.slots)
			return t.hand
		}
	}
	// Nothing is left at that count: the least has risen, and it only rises.
	t.least = slices.Min(t.counts[:])
	t.hand = slices.Index(t.counts[:], t.least)
	t.index.remove(t.hand, &t.slots)
	return t.hand
}

// sure is how many lines of a slot's template there were at least.
func (t *Templates) sure(at int) uint64 { return t.counts[at] - t.slots[at].inherited }

// Top returns the n most frequent templates, most frequent first. Lines and
// Share are lower bounds; they are exact while fewer than 257 templates were
// seen since Reset.
func (t *Templates) Top(n int) []event.LogLine {
	order := make([]int, t.used)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := t.sure(a), t.sure(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	var out []event.LogLine
	for _, at := range order[:min(max(n, 0), len(order))] {
		s := &t.slots[at]
		out = append(out, event.LogLine{
			Template: printable(s.template[:s.tlen]),
			Sample:   printable(s.sample[:s.slen]),
			Lines:    t.sure(at),
			Share:    float64(t.sure(at)) / float64(t.lines),
		})
	}
	return out
}

// Share is the part of all observed lines that the most frequent template has,
// 0 to 1; 0 where none was observed.
func (t *Templates) Share() float64 {
	var most uint64
	for at := range t.used {
		most = max(most, t.sure(at))
	}
	if t.lines == 0 {
		return 0
	}
	return float64(most) / float64(t.lines)
}

// Lines is how many lines were observed since the last Reset.
func (t *Templates) Lines() uint64 { return t.lines }

// Reset begins a new window. A line that is not complete belongs to the new one.
func (t *Templates) Reset() {
	t.lines, t.used, t.least, t.hand = 0, 0, 0, 0
	t.counts = [templateSlots]uint64{}
	t.index = slotIndex{}
	t.lastLen = -1
}

// printable makes bytes of a log safe to show: what is not printable, such as
// an escape sequence that would rewrite a terminal, becomes \xNN. The result
// has at most sampleCap bytes.
func printable(b []byte) string {
	out := make([]byte, 0, sampleCap)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		one := b[:n]
		if (r == utf8.RuneError && n == 1) || !unicode.IsPrint(r) {
			one = nil
			for _, c := range b[:n] {
				one = append(one, '\\', 'x', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			}
		}
		if len(out)+len(one) > sampleCap {
			break
		}
		out = append(out, one...)
		b = b[n:]
	}
	return string(out)
}
