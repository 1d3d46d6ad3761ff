package journal

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// watched remembers what its writer refused.
type watched struct {
	w     io.Writer
	first error // of the first line that was lost; written by Run's goroutine only
	lost  atomic.Uint64
}

// Write passes one line on.
func (w *watched) Write(line []byte) (int, error) {
	n, err := w.w.Write(line)
	if err != nil {
		w.lost.Add(1)
		if w.first == nil {
			w.first = err
		}
	}
	return n, err
}

func (w *watched) result() error {
	if w.first == nil {
		return nil
	}
	return fmt.Errorf("write journal: %d lines lost: %w", w.lost.Load(), w.first)
}

// plain prints durations as "1.5s" in both formats, not as nanoseconds in one
// of them.
func plain(_ []string, a slog.Attr) slog.Attr {
	if d, ok := a.Value.Any().(time.Duration); ok {
		return slog.String(a.Key, d.String())
	}
	return a
}
