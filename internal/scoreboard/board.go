package scoreboard

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Version of the layout. A board of another version is refused by Open.
const Version = 1

// The bounds of a board's size, in slots.
const (
	MinSlots = 64
	MaxSlots = 1 << 20
)

const (
	magic     = 0x65766565722d6273 // "sb-reeve" read as little-endian bytes
	pageSize  = 4096
	cells     = 64
	cellSize  = 64
	slotSize  = 512
	slotsFrom = 2 * pageSize
)

// Words of page 0.
const (
	headMagic   = 0
	headVersion = 8
	headSlots   = 16
	headSize    = 24
	headHigh    = 32
)

// Words and texts of a slot.
const (
	slotSeq      = 0
	slotID       = 8
	slotStart    = 16
	slotDeadline = 24
	slotBytes    = 32
	slotKill     = 40
	slotLens     = 48
	slotClient   = 64
	slotMethod   = 128
	slotMember   = 160
	slotPath     = 224
)

// The longest texts, in bytes; longer ones are cut.
const (
	MaxClient = slotMethod - slotClient
	MaxMethod = slotMember - slotMethod
	MaxMember = slotPath - slotMember
	MaxPath   = slotSize - slotPath
)

// ErrLayout is returned by Open for a file that is not a board of this version.
var ErrLayout = errors.New("not a scoreboard of this version")

// Board is a mapping of the table. Its methods are safe for several goroutines.
type Board struct {
	file  *os.File
	mem   []byte
	slots int
}

// Create makes an empty board of the given number of slots, between MinSlots
// and MaxSlots. The memory is given out by the kernel as slots are first used.
func Create(slots int) (*Board, error) {
	if slots < MinSlots || slots > MaxSlots {
		return nil, fmt.Errorf("create scoreboard: %d slots, want %d to %d", slots, MinSlots, MaxSlots)
	}
	f, err := newFile("reeve-scoreboard")
	if err != nil {
		return nil, fmt.Errorf("create scoreboard: %w", err)
	}
	if err := f.Truncate(int64(slotsFrom + slots*slotSize)); err != nil {
		f.Close()
		return nil, fmt.Errorf("create scoreboard: %w", err)
	}
	b, err := mapBoard(f, slotsFrom+slots*slotSize)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("create scoreboard: %w", err)
	}
	if err := sealSize(f); err != nil {
		return nil, errors.Join(fmt.Errorf("create scoreboard: %w", err), b.Close())
	}
	b.slots = slots
	b.word(headVersion).Store(Version)
	b.word(headSlots).Store(uint64(slots))
	b.word(headSize).Store(slotSize)
	b.word(headMagic).Store(magic)
	return b, nil
}

// Open maps the board that f holds, such as one inherited from a supervisor.
// It takes f over where it succeeds. It returns ErrLayout, wrapped, for anything
// else.
func Open(f *os.File) (*Board, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open scoreboard: %w", err)
	}
	if st.Size() < slotsFrom+MinSlots*slotSize || st.Size() > slotsFrom+MaxSlots*slotSize {
		return nil, fmt.Errorf("open scoreboard: file of %d bytes: %w", st.Size(), ErrLayout)
	}
	b, err := mapBoard(f, int(st.Size()))
	if err != nil {
		return nil, fmt.Errorf("open scoreboard: %w", err)
	}
	slots := b.word(headSlots).Load()
	if b.word(headMagic).Load() != magic || b.word(headVersion).Load() != Version ||
		b.word(headSize).Load() != slotSize || slots < MinSlots || slots > MaxSlots ||
		st.Size() != int64(slotsFrom+slots*slotSize) {
		syscall.Munmap(b.mem)
		return nil, fmt.Errorf("open scoreboard: %w", ErrLayout)
	}
	b.slots = int(slots)
	return b, nil
}

func mapBoard(f *os.File, size int) (*Board, error) {
	mem, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", size, err)
	}
	return &Board{file: f, mem: mem}, nil
}

// File is the board's file, to be given to another process. It stays the
// board's; do not close it.
func (b *Board) File() *os.File { return b.file }

// Slots is the number of requests that the board can hold.
func (b *Board) Slots() int { return b.slots }

// Close unmaps the board and closes its file. No other method may run then or
// later: a later one panics.
func (b *Board) Close() error {
	mem := b.mem
	b.mem = nil // a late word() is then a panic, which can be recovered, not a fault
	return errors.Join(syscall.Munmap(mem), b.file.Close())
}

// Started is the number of requests that were ever claimed.
func (b *Board) Started() uint64 { return b.sum(0) }

// Completed is the number of requests that were ever released. While it
// advances, the proxy works.
func (b *Board) Completed() uint64 { return b.sum(8) }

// InFlight is the number of requests claimed and not yet released. It may miss
// what happens while it counts, and is never negative.
func (b *Board) InFlight() uint64 {
	done := b.Completed() // read first, so that it can only be too small
	started := b.Started()
	return started - min(done, started)
}

func (b *Board) sum(word int) uint64 {
	var n uint64
	for c := range cells {
		n += b.word(pageSize + c*cellSize + word).Load()
	}
	return n
}

// word is the aligned 64-bit word at the offset. Offsets come from the
// constants above and slot numbers below b.slots, never from the file.
func (b *Board) word(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&b.mem[offset]))
}

func (b *Board) slotWord(slot, word int) *atomic.Uint64 {
	return b.word(slotsFrom + slot*slotSize + word)
}
