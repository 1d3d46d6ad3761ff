package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/reeveproxy/reeve/internal/event"
)

// The formats of the journal.
const (
	Text = "text" // key=value
	JSON = "json" // one object a line
)

// Journal writes events to one writer. Make it with New.
type Journal struct {
	out     *watched
	handler slog.Handler
}

// New returns a journal that writes to w in format Text or JSON; anything else
// is Text. The journal is the only writer of w while Run runs.
func New(w io.Writer, format string) *Journal {
	out := &watched{w: w}
	opts := &slog.HandlerOptions{ReplaceAttr: plain}
	if format == JSON {
		return &Journal{out: out, handler: slog.NewJSONHandler(out, opts)}
	}
	return &Journal{out: out, handler: slog.NewTextHandler(out, opts)}
}

// Run writes each record of the cursor until the hub is closed and drained;
// then it returns nil. It returns ctx's error where ctx ends first. A failing
// writer does not end it, because a full disk may be freed again: the lines are
// lost and counted, and at the end the first such error is returned.
func (j *Journal) Run(ctx context.Context, c *event.Cursor) error {
	for {
		rec, err := c.Next(ctx)
		if n := c.Missed(); n > 0 {
			at := rec
			at.Event = event.EventsMissed{Consumer: "journal", Count: n}
			j.write(ctx, at)
		}
		switch {
		case errors.Is(err, io.EOF):
			return j.out.result()
		case err != nil:
			return fmt.Errorf("read timeline: %w", err)
		}
		j.write(ctx, rec)
	}
}

// Lost returns how many lines the writer refused.
func (j *Journal) Lost() uint64 { return j.out.lost.Load() }

// reserved are the line's own keys. A fact of the same name (the level of a full
// disk) would make the line an object with one key twice.
var reserved = map[string]bool{slog.TimeKey: true, slog.LevelKey: true, slog.MessageKey: true, "seq": true}

func (j *Journal) write(ctx context.Context, rec event.Record) {
	line := slog.NewRecord(rec.Time, event.SeverityOf(rec.Event).Level(), rec.Event.Kind(), 0)
	line.AddAttrs(slog.Uint64("seq", rec.Seq))
	for _, a := range event.Attrs(rec.Event) {
		if reserved[a.Key] {
			a.Key = "event_" + a.Key
		}
		line.AddAttrs(a)
	}
	// The writer's error is kept by watched, whose count is the truth: a
	// handler may also fail to format, which plain prevents.
	_ = j.handler.Handle(ctx, line)
}
