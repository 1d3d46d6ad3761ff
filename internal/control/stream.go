package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// errorTrailer carries the error of a stream that had begun.
const errorTrailer = "Reeve-Error"

// runKey finds the context of Run in that of a request: it ends streams at
// once, while commands have their last second.
type runKey struct{}

// stream runs a StreamHandler. The status is sent with the first line, so that
// a refusal before it is an ordinary one.
func stream(w http.ResponseWriter, r *http.Request, by Caller, h StreamHandler) {
	control := http.NewResponseController(w)
	begun := false
	start := func() {
		if begun {
			return
		}
		begun = true
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Trailer", errorTrailer)
		w.WriteHeader(http.StatusOK)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if ends, ok := r.Context().Value(runKey{}).(context.Context); ok {
		defer context.AfterFunc(ends, cancel)()
	}
	err := h(ctx, by, r, func(v any) error {
		line, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode line: %w", err)
		}
		start()
		// A client that stops reading must not hold a goroutine for ever.
		if err := control.SetWriteDeadline(time.Now().Add(stalled)); err != nil {
			return fmt.Errorf("send line: %w", err)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("send line: %w", err)
		}
		return control.Flush()
	})
	switch {
	case !begun && err != nil && ctx.Err() == nil:
		refuse(w, err)
	case err != nil && ctx.Err() == nil:
		w.Header().Set(errorTrailer, oneLine(err.Error()))
	default:
		start()
	}
}
