package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/reeveproxy/reeve/internal/control"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// socketPath is the control socket of a state folder.
func socketPath(state string) string { return filepath.Join(state, "control.sock") }

func (h *house) client() *control.Client { return &control.Client{Path: socketPath(h.state)} }

// The answers of commands.
type (
	reloadAnswer struct {
		Changed string `json:"changed"`
	}
	rotateAnswer struct {
		Archives []string `json:"archives"`
	}
	killAnswer struct {
		Request scoreboard.Request `json:"request"`
	}
)

// commands registers what the control socket understands. Every command that
// changes something is told as an event with its caller.
func (h *house) commands() {
	c := h.control
	c.Handle("GET", "/v1/ping", func(ctx context.Context, _ control.Caller, _ *http.Request) (any, error) {
		return h.sup.Status(), h.sup.Turn(ctx)
	})
	c.Handle("GET", "/v1/status", func(ctx context.Context, _ control.Caller, _ *http.Request) (any, error) {
		return h.report(ctx), nil
	})
	c.HandleStream("GET", "/v1/events", h.streamEvents)
	c.Handle("POST", "/v1/restart", h.told("restart", func(context.Context, *http.Request) (any, error) {
		h.sup.Restart("asked by an operator")
		return nil, nil
	}))
	c.Handle("POST", "/v1/reload", h.told("reload", func(context.Context, *http.Request) (any, error) {
		changed, err := h.reload()
		if err != nil {
			return nil, &control.Error{Status: http.StatusUnprocessableEntity, Message: err.Error()}
		}
		return reloadAnswer{Changed: changed}, nil
	}))
	c.Handle("POST", "/v1/rotate", h.told("rotate", h.rotateCommand))
	c.Handle("POST", "/v1/stop", h.told("stop", func(context.Context, *http.Request) (any, error) {
		h.stop("asked by an operator")
		return nil, nil
	}))
	c.Handle("POST", "/v1/kill", h.told("kill", h.killCommand))
	c.Handle("POST", "/v1/page/test", h.told("page test", func(ctx context.Context, _ *http.Request) (any, error) {
		return h.pager.Test(ctx, "an operator")
	}))
}

func (h *house) told(name string, do func(context.Context, *http.Request) (any, error)) control.Handler {
	return func(ctx context.Context, by control.Caller, r *http.Request) (any, error) {
		h.hub.Emit(event.CommandTaken{Command: name, UID: by.UID, PID: by.PID})
		return do(ctx, r)
	}
}

// streamEvents sends the events kept and, if asked to follow, those to come.
func (h *house) streamEvents(ctx context.Context, _ control.Caller, r *http.Request, send func(any) error) error {
	cursor := h.hub.Cursor()
	follow := r.URL.Query().Has("follow")
	for {
		rec, ok := cursor.TryNext()
		if !ok && !follow {
			return nil
		}
		if !ok {
			var err error
			if rec, err = cursor.Next(ctx); err != nil {
				return nil
			}
		}
		if n := cursor.Missed(); n > 0 {
			missed := rec
			missed.Event = event.EventsMissed{Consumer: "this reader", Count: n}
			if err := send(toldOf(missed)); err != nil {
				return err
			}
		}
		if err := send(toldOf(rec)); err != nil {
			return err
		}
	}
}

func (h *house) rotateCommand(ctx context.Context, r *http.Request) (any, error) {
	name := r.URL.Query().Get("log")
	var known []string
	for _, l := range h.keeper.Status() {
		known = append(known, l.Name)
	}
	if name != "" && !slices.Contains(known, name) {
		return nil, &control.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("no log %q, want one of %v", name, known)}
	}
	if name != "" {
		known = []string{name}
	}
	var out rotateAnswer
	for _, n := range known {
		archive, err := h.keeper.Rotate(ctx, n, "asked")
		if err != nil {
			return nil, fmt.Errorf("rotate %s: %w", n, err)
		}
		if archive != "" {
			out.Archives = append(out.Archives, archive)
		}
	}
	return out, nil
}

func (h *house) rotateAll(ctx context.Context, reason string) error {
	_, err := h.keeper.Rotate(ctx, "", reason)
	return err
}

// killCommand ends one request in flight, named by its id.
func (h *house) killCommand(_ context.Context, r *http.Request) (any, error) {
	id, err := strconv.ParseUint(r.URL.Query().Get("id"), 10, 64)
	if err != nil || id == 0 {
		return nil, &control.Error{Status: http.StatusBadRequest, Message: fmt.Sprintf("%q is not the id of a request", r.URL.Query().Get("id"))}
	}
	life := h.sup.Status().Life
	for _, q := range h.inFlight(life) {
		if q.ID != id {
			continue
		}
		killed := false
		h.boards.of(life, func(b *scoreboard.Board) { killed = b.Kill(q.Slot, q.ID) })
		if killed {
			h.hub.Emit(event.RequestKilled{Life: life, ID: q.ID, By: "operator", Method: q.Method, Path: q.Path, Client: q.Client, Member: q.Member, Age: q.Age, Bytes: q.Bytes})
			return killAnswer{Request: q}, nil
		}
	}
	return nil, &control.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("no request %d is in flight", id)}
}
