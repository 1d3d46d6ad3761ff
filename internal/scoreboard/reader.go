package scoreboard

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Request is one request in flight, as a reader saw it.
type Request struct {
	Slot     int           `json:"slot"`
	ID       uint64        `json:"id"`
	Client   string        `json:"client"`
	Method   string        `json:"method"`
	Path     string        `json:"path"`             // without its query, cut to MaxPath bytes
	Member   string        `json:"member,omitempty"` // empty too while it is being written
	Age      time.Duration `json:"age"`
	Limit    time.Duration `json:"limit,omitempty"` // its total time; 0 for none
	Bytes    uint64        `json:"bytes"`           // of the reply's body, sent so far
	KillSent bool          `json:"kill_sent,omitempty"`
}

// readTries bounds the retries on a slot that is being written; a slot that is
// never seen at rest was left by a writer that stopped or died inside it.
const readTries = 64

// Snapshot appends the requests in flight to dst, by slot number. It may be
// called while the writer is stopped or dead.
func (b *Board) Snapshot(dst []Request) []Request {
	now := Now()
	for slot := range b.high() {
		if r, ok := b.read(slot, now); ok {
			dst = append(dst, r)
		}
	}
	return dst
}

// high is the number of slots ever used, whatever the file says.
func (b *Board) high() int {
	return int(min(b.word(headHigh).Load(), uint64(b.slots)))
}

func (b *Board) read(slot int, now int64) (Request, bool) {
	for try := range readTries {
		seq := b.slotWord(slot, slotSeq).Load()
		id := b.slotWord(slot, slotID).Load()
		if id == 0 {
			return Request{}, false
		}
		inside := seq%2 != 0
		if inside && try < readTries-1 {
			continue
		}
		r := b.copySlot(slot, id, now)
		if b.slotWord(slot, slotSeq).Load() != seq || b.slotWord(slot, slotID).Load() != id {
			continue
		}
		if inside {
			// A slot that has an id while its writer is inside is having its
			// member written (fill gives the id last), and only that is torn.
			r.Member = ""
		}
		return r, true
	}
	return Request{}, false
}

func (b *Board) copySlot(slot int, id uint64, now int64) Request {
	start := int64(b.slotWord(slot, slotStart).Load())
	lens := b.slotWord(slot, slotLens).Load()
	r := Request{
		Slot:     slot,
		ID:       id,
		Client:   b.text(slot, slotClient, MaxClient, lens),
		Method:   b.text(slot, slotMethod, MaxMethod, lens>>16),
		Member:   b.text(slot, slotMember, MaxMember, lens>>32),
		Path:     b.text(slot, slotPath, MaxPath, lens>>48),
		Age:      time.Duration(max(0, now-start)),
		Bytes:    b.slotWord(slot, slotBytes).Load(),
		KillSent: b.slotWord(slot, slotKill).Load() == id,
	}
	if deadline := int64(b.slotWord(slot, slotDeadline).Load()); deadline > start {
		r.Limit = time.Duration(deadline - start)
	}
	return r
}

// text reads the text of at most limit bytes, a multiple of 8 not above MaxPath.
func (b *Board) text(slot, at, limit int, n uint64) string {
	size := min(int(n&0xffff), limit) // the file may say anything
	var buf [MaxPath]byte
	for i := 0; i < size; i += 8 {
		binary.LittleEndian.PutUint64(buf[i:], b.slotWord(slot, at+i).Load())
	}
	return printable(buf[:size])
}

// printable is the text without what would command the terminal or break the
// line of whoever reads it: the file is the proxy's to write, and may lie.
func printable(text []byte) string {
	plain := true
	for _, c := range text {
		plain = plain && c >= ' ' && c < 0x7f
	}
	if plain {
		return string(text)
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?' // no longer than what it stands for, so that the limits hold
		}
		return r
	}, string(text))
}

// Kill asks the proxy to end the request id in the slot. It returns false, and
// asks nothing, where the slot holds another request by now or none.
func (b *Board) Kill(slot int, id uint64) bool {
	if id == 0 || slot < 0 || slot >= b.slots || b.slotWord(slot, slotID).Load() != id {
		return false
	}
	b.slotWord(slot, slotKill).Store(id)
	return true
}
