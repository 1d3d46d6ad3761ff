package runaway

import (
	"context"
	"fmt"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// blindAfter is how many looks in a row must go wrong to be told.
const blindAfter = 3

// Condemned is the verdict on a life that does not end a killed request.
type Condemned struct {
	Request Request       // as last seen
	Grace   time.Duration // how long it was given, at least
	Kill    error         // why the last kill could not be sent; nil where it was
}

// Error names the request.
func (e *Condemned) Error() string {
	text := fmt.Sprintf("request %d (%s %s of %s) is %s old and still there %s after it was killed", e.Request.ID,
		e.Request.Method, e.Request.Path, e.Request.Client, e.Request.Age.Round(time.Millisecond), e.Grace)
	if e.Kill != nil {
		text += ", which could not be done: " + e.Kill.Error()
	}
	return text
}

// Unwrap is the error of the kill.
func (e *Condemned) Unwrap() error { return e.Kill }

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
	cfg   Config
	src   Source
	sink  event.Sink
	fails int  // looks that went wrong, in a row
	blind bool // and were told
}

// NewHunter returns a hunter. Its Hunt must not run twice at once.
func NewHunter(cfg Config, src Source, sink event.Sink) *Hunter {
	return &Hunter{cfg: cfg, src: src, sink: sink}
}

// Hunt is the function Hunt with the hunter's own configuration.
func (h *Hunter) Hunt(ctx context.Context, life uint64) error {
	if h.cfg.Timeout <= 0 {
		<-ctx.Done()
		return nil
	}
	h.fails = 0
	marks := memory{}
	tick := time.NewTicker(h.poll())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		seen, err := h.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			h.missed(err)
			continue // the marks stay: a grace runs on while nothing is seen
		}
		h.saw()
		var todo []action
		todo, marks = decide(h.cfg, time.Now(), seen, marks)
		for _, a := range todo {
			switch a.step {
			case warn:
				h.sink.Emit(event.RequestWarned{Life: life, ID: a.r.ID, Method: a.r.Method, Path: a.r.Path,
					Client: a.r.Client, Member: a.r.Member, Age: a.r.Age, Bytes: a.r.Bytes})
			case kill:
				h.kill(ctx, life, a.r, marks)
			case condemn:
				h.sink.Emit(event.RequestStuck{Life: life, ID: a.r.ID, Method: a.r.Method, Path: a.r.Path, Age: a.r.Age})
				return &Condemned{Request: a.r, Grace: h.cfg.Grace.Std(), Kill: a.fault}
			}
		}
	}
}

func (h *Hunter) poll() time.Duration {
	if h.cfg.Poll <= 0 {
		return time.Second
	}
	return h.cfg.Poll.Std()
}

// look takes a snapshot, within a time in which nothing is lost by waiting.
func (h *Hunter) look(ctx context.Context) (seen []Request, err error) {
	ctx, cancel := context.WithTimeout(ctx, max(h.poll(), 2*time.Second))
	defer cancel()
	defer asError(&err)
	return h.src.Snapshot(ctx)
}

// kill sends the kill, and tells of the first one that was sent. One that could
// not be is tried again at the next look.
func (h *Hunter) kill(ctx context.Context, life uint64, r Request, marks memory) {
	m := marks[r.ID]
	defer func() { marks[r.ID] = m }()
	if !h.cfg.DryRun {
		m.fault = h.send(ctx, r)
		if m.fault != nil { // ErrGone too: it is not in the next snapshot
			return
		}
	}
	if m.told {
		return
	}
	m.told = true
	h.sink.Emit(event.RequestKilled{Life: life, ID: r.ID, By: "watchdog", Method: r.Method, Path: r.Path,
		Client: r.Client, Member: r.Member, Age: r.Age, Bytes: r.Bytes, DryRun: h.cfg.DryRun})
}

func (h *Hunter) send(ctx context.Context, r Request) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	defer asError(&err)
	return h.src.Kill(ctx, r)
}

// asError turns a panic of a source into its error: a source parses what a
// foreign server says, and must not take the watch down with it.
func asError(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("panic: %v", v)
	}
}

func (h *Hunter) missed(err error) {
	h.fails++
	if h.fails >= blindAfter && !h.blind {
		h.blind = true
		h.sink.Emit(event.SourceUnreadable{Source: h.src.Name(), Error: err.Error()})
	}
}

func (h *Hunter) saw() {
	h.fails = 0
	if h.blind {
		h.blind = false
		h.sink.Emit(event.SourceReadable{Source: h.src.Name()})
	}
}
