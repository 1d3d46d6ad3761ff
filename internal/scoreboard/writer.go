package scoreboard

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Writer hands out the slots of one board. A board has one Writer in all.
type Writer struct {
	board *Board
	ids   atomic.Uint64
	// free lists the free slots as stacks, lowest number on top, so that a
	// quiet proxy touches few pages. Several stacks, so that requests do not
	// all contend for one word.
	free [freeStacks]freeStack
	next []uint32 // next[i] is the slot under i on its stack, plus one
}

const freeStacks = 8

type freeStack struct {
	head atomic.Uint64 // tag<<32 | slot+1; the tag defeats ABA
	_    [56]byte      // a cache line each
}

// NewWriter returns the writer of a board whose earlier writer, if it had one,
// is dead: what that one left in flight is struck out as completed, and its
// numbers are not given again.
func NewWriter(b *Board) *Writer {
	w := &Writer{board: b, next: make([]uint32, b.slots)}
	w.ids.Store(b.inherit())
	for slot := b.slots - 1; slot >= 0; slot-- {
		w.push(slot)
	}
	return w
}

// inherit empties a dead writer's slots and returns the highest id that it can
// have given: a kill word that still holds one must not reach a request of ours.
func (b *Board) inherit() (last uint64) {
	high := b.high()
	if high == 0 {
		return 0
	}
	last = b.Started()
	for slot := range high {
		last = max(last, b.slotWord(slot, slotID).Load(), b.slotWord(slot, slotKill).Load())
		b.slotWord(slot, slotID).Store(0)
		b.slotWord(slot, slotKill).Store(0)
		if seq := b.slotWord(slot, slotSeq); seq.Load()%2 != 0 {
			seq.Add(1)
		}
	}
	for c := range cells {
		b.cell(c, 8).Store(b.cell(c, 0).Load())
	}
	return last + uint64(b.slots) // as many claims can have died with their id still unwritten
}

func (w *Writer) push(slot int) {
	s := &w.free[slot%freeStacks]
	for {
		old := s.head.Load()
		atomic.StoreUint32(&w.next[slot], uint32(old))
		if s.head.CompareAndSwap(old, (old>>32+1)<<32|uint64(slot+1)) {
			return
		}
	}
}

func (w *Writer) pop(stack int) (slot int, ok bool) {
	s := &w.free[stack]
	for {
		old := s.head.Load()
		top := uint32(old)
		if top == 0 {
			return 0, false
		}
		under := atomic.LoadUint32(&w.next[top-1])
		if s.head.CompareAndSwap(old, (old>>32+1)<<32|uint64(under)) {
			return int(top - 1), true
		}
	}
}

// Slot is one request's place on the board, for the goroutine that serves it.
// The zero Slot stands for no place: its methods do nothing, and neither do
// those of a Slot that was released.
type Slot struct {
	w     *Writer
	index int
	id    uint64
}

// Claim takes a slot for a request that must be over within total (0 for no
// limit). The path must come without its query. It returns false where every
// slot is taken.
func (w *Writer) Claim(client, method, path string, total time.Duration) (Slot, bool) {
	first := int(rand.Uint32() % freeStacks)
	for i := range freeStacks {
		if slot, ok := w.pop((first + i) % freeStacks); ok {
			return w.fill(slot, client, method, path, total), true
		}
	}
	return Slot{}, false
}

func (w *Writer) fill(slot int, client, method, path string, total time.Duration) Slot {
	b := w.board
	s := Slot{w: w, index: slot, id: w.ids.Add(1)}
	now := Now()
	seq := b.slotWord(slot, slotSeq)
	seq.Add(1)
	b.slotWord(slot, slotStart).Store(uint64(now))
	b.slotWord(slot, slotDeadline).Store(deadline(now, total))
	b.slotWord(slot, slotBytes).Store(0)
	c := b.putText(slot, slotClient, MaxClient, client)
	m := b.putText(slot, slotMethod, MaxMethod, method)
	p := b.putText(slot, slotPath, MaxPath, path)
	b.slotWord(slot, slotLens).Store(c | m<<16 | p<<48)
	b.raiseHigh(uint64(slot + 1)) // before the id, or a death here would hide the request
	b.cell(slot, 0).Add(1)
	b.slotWord(slot, slotID).Store(s.id) // last: an id says that all but the member is whole
	seq.Add(1)
	return s
}

// deadline is the word for a total time from start, at most the end of time.
func deadline(start int64, total time.Duration) uint64 {
	if total <= 0 {
		return 0
	}
	return uint64(start + min(int64(total), math.MaxInt64-start))
}

func (b *Board) raiseHigh(n uint64) {
	high := b.word(headHigh)
	for old := high.Load(); old < n; old = high.Load() {
		if high.CompareAndSwap(old, n) {
			return
		}
	}
}

func (b *Board) cell(slot, word int) *atomic.Uint64 {
	return b.word(pageSize + slot%cells*cellSize + word)
}

// putText stores s, cut to limit, word by word, and returns its length.
func (b *Board) putText(slot, at, limit int, s string) uint64 {
	if len(s) > limit {
		s = s[:limit]
	}
	for i := 0; i < len(s); i += 8 {
		var w [8]byte
		copy(w[:], s[i:])
		b.slotWord(slot, at+i).Store(binary.LittleEndian.Uint64(w[:]))
	}
	return uint64(len(s))
}

// ID is the request's number: 1 for the first of a new board, never given twice.
// 0 means no slot.
func (s Slot) ID() uint64 { return s.id }

// Index is the slot's number on the board, from 0.
func (s Slot) Index() int { return s.index }

// holds reports whether the slot is still this request's.
func (s Slot) holds() bool {
	return s.w != nil && s.w.board.slotWord(s.index, slotID).Load() == s.id
}

// SetMember records which member serves the request. It must not run in two
// goroutines of one request at once.
func (s Slot) SetMember(member string) {
	if !s.holds() {
		return
	}
	b := s.w.board
	seq := b.slotWord(s.index, slotSeq)
	seq.Add(1)
	n := b.putText(s.index, slotMember, MaxMember, member)
	lens := b.slotWord(s.index, slotLens)
	lens.Store(lens.Load()&^(0xffff<<32) | n<<32)
	seq.Add(1)
}

// SetDeadline replaces the request's total time, counted from its start; 0 for
// none.
func (s Slot) SetDeadline(total time.Duration) {
	if !s.holds() {
		return
	}
	b := s.w.board
	start := int64(b.slotWord(s.index, slotStart).Load())
	b.slotWord(s.index, slotDeadline).Store(deadline(start, total))
}

// SetBytes records how many bytes of the reply's body were sent so far.
func (s Slot) SetBytes(n uint64) {
	if s.holds() {
		s.w.board.slotWord(s.index, slotBytes).Store(n)
	}
}

// KillAsked reports whether the supervisor wants this request ended.
func (s Slot) KillAsked() bool {
	return s.w != nil && s.w.board.slotWord(s.index, slotKill).Load() == s.id
}

// Release frees the slot, for the claimer to call once; a second call does
// nothing. The other methods must not run in another goroutine meanwhile.
func (s Slot) Release() {
	if s.w == nil {
		return
	}
	b := s.w.board
	if !b.slotWord(s.index, slotID).CompareAndSwap(s.id, 0) {
		return // released before: a second push would hand the slot out twice
	}
	b.cell(s.index, 8).Add(1)
	s.w.push(s.index)
}

// Due is what Overdue finds: a slot whose request must end now.
type Due struct {
	Index  int    // the slot
	ID     uint64 // the request
	Killed bool   // the supervisor asked; else the deadline passed
	Age    time.Duration
}

// Overdue appends to dst the requests that are past their deadline or that the
// supervisor wants ended. It reads one cache line a slot ever used and does not
// enter the kernel, so it can run ten times a second over thousands of slots.
func (w *Writer) Overdue(dst []Due) []Due {
	b := w.board
	now := Now()
	for slot := range b.high() {
		id := b.slotWord(slot, slotID).Load()
		if id == 0 {
			continue
		}
		deadline := int64(b.slotWord(slot, slotDeadline).Load())
		killed := b.slotWord(slot, slotKill).Load() == id
		if !killed && (deadline == 0 || now < deadline) {
			continue
		}
		age := time.Duration(now - int64(b.slotWord(slot, slotStart).Load()))
		if b.slotWord(slot, slotID).Load() == id { // else the words are another request's
			dst = append(dst, Due{Index: slot, ID: id, Killed: killed, Age: age})
		}
	}
	return dst
}
