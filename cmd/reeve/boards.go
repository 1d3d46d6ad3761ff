package main

import (
	"sync"

	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// boards keeps the scoreboard of each life of the built-in proxy: made before
// the life is launched, read while it runs and once more after it died.
type boards struct {
	slots int

	mu     sync.Mutex
	byLife map[uint64]*scoreboard.Board
	order  []uint64
}

// keptBoards is the number of lives whose board is kept: the one that runs and
// the one before, whose post-mortem may still be being written.
const keptBoards = 2

func newBoards(slots int) *boards {
	return &boards{slots: slots, byLife: map[uint64]*scoreboard.Board{}}
}

// create makes the board of a life to come. Boards of older lives are let go,
// but not unmapped: a guard of theirs may be inside a snapshot. The collector
// of garbage cannot free a mapping, so closing waits until two more lives have
// passed, when the guards of that life have long been waited for.
func (b *boards) create(life uint64) (*scoreboard.Board, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	board, err := scoreboard.Create(b.slots)
	if err != nil {
		return nil, err
	}
	b.byLife[life] = board
	b.order = append(b.order, life)
	if len(b.order) > keptBoards {
		old := b.order[0]
		b.order = b.order[1:]
		b.byLife[old].Close()
		delete(b.byLife, old)
	}
	return board, nil
}

// resize sets the number of slots of boards to come.
func (b *boards) resize(slots int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slots = slots
}

// of runs do with the life's board, if it is kept, and holds off its closing
// meanwhile.
func (b *boards) of(life uint64, do func(*scoreboard.Board)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if board, ok := b.byLife[life]; ok {
		do(board)
	}
}

// inFlight is the life's requests in flight; of a dead life, those that died
// with it.
func (b *boards) inFlight(life uint64) []scoreboard.Request {
	var out []scoreboard.Request
	b.of(life, func(board *scoreboard.Board) { out = board.Snapshot(nil) })
	return out
}

// busy is the number of the life's requests in flight.
func (b *boards) busy(life uint64) (requests uint64, ok bool) {
	b.of(life, func(board *scoreboard.Board) { requests, ok = board.InFlight(), true })
	return requests, ok
}

// progress is the number of requests that the life has completed.
func (b *boards) progress(life uint64) (completed uint64, ok bool) {
	b.of(life, func(board *scoreboard.Board) { completed, ok = board.Completed(), true })
	return completed, ok
}
