package runaway

import (
	"context"
	"errors"
	"time"

	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// Request is one request in flight, as its server's scoreboard tells it.
type Request struct {
	ID     uint64        `json:"id"`               // never that of another request of the same life
	Slot   int           `json:"slot"`             // its place on the scoreboard
	Handle string        `json:"handle,omitempty"` // what else its source needs to end it: a worker's pid, a session
	Client string        `json:"client"`
	Method string        `json:"method"`
	Path   string        `json:"path"` // without its query
	Member string        `json:"member,omitempty"`
	Age    time.Duration `json:"age"`
	Bytes  uint64        `json:"bytes"` // of the reply, so far
}

// ErrGone is returned by Source.Kill for a request that had ended by itself.
var ErrGone = errors.New("request has ended")

// Source is a server's scoreboard.
type Source interface {
	// Name is the source's name in events.
	Name() string
	// Snapshot returns the requests in flight.
	Snapshot(ctx context.Context) ([]Request, error)
	// Kill asks the server to end this request and no other. It returns
	// ErrGone, and harms nothing, where the request is over.
	Kill(ctx context.Context, r Request) error
}

// Board is the Source of a proxy that keeps the shared scoreboard. It works
// while the proxy is stopped too.
func Board(b *scoreboard.Board) Source { return board{b} }

type board struct{ b *scoreboard.Board }

func (s board) Name() string { return "scoreboard" }

func (s board) Snapshot(context.Context) ([]Request, error) {
	seen := s.b.Snapshot(nil)
	out := make([]Request, len(seen))
	for i, r := range seen {
		out[i] = Request{ID: r.ID, Slot: r.Slot, Client: r.Client, Method: r.Method,
			Path: r.Path, Member: r.Member, Age: r.Age, Bytes: r.Bytes}
	}
	return out, nil
}

func (s board) Kill(_ context.Context, r Request) error {
	if !s.b.Kill(r.Slot, r.ID) {
		return ErrGone
	}
	return nil
}
