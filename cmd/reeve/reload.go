package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/supervisor"
)

// reload reads the file again and puts into force what can change while the
// child lives. A file with a problem changes nothing.
func (h *house) reload() (changed string, err error) {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	defer func() {
		if err != nil {
			h.hub.Emit(event.ConfigRefused{Config: h.path, Error: err.Error()})
		} else {
			h.hub.Emit(event.ConfigReloaded{Config: h.path, Changed: changed})
		}
	}()
	old := h.config()
	if h.path == "" {
		if old.Proxy.Builtin != nil {
			return "nothing: there is no file", nil
		}
		return h.reloadForeign(old)
	}
	f, raw, err := runConfig(h.flags, nil)
	if err != nil {
		return "", err
	}
	if (f.Proxy.Builtin == nil) != (old.Proxy.Builtin == nil) {
		return "", &config.Problem{File: h.path, Key: "proxy", Message: "the built-in proxy and a command cannot be exchanged while reeve runs"}
	}
	if f.Proxy.Builtin == nil {
		changed, err = h.reloadForeign(old)
	} else {
		changed, err = h.reloadBuiltin(old, f, raw)
	}
	if waiting := needRestart(old, f); err == nil && len(waiting) > 0 {
		changed += fmt.Sprintf("; not before reeve itself is restarted: %v", waiting)
	}
	return changed, err
}

func (h *house) reloadBuiltin(old, f *File, raw []byte) (string, error) {
	if len(old.Watchdog.Probes) == 0 && f.Proxy.Builtin.StatusPath != old.Proxy.Builtin.StatusPath {
		return "", &config.Problem{File: h.path, Key: "proxy.builtin.status_path",
			Message: "cannot change while reeve runs, because reeve's own probes ask it: restart reeve, or configure watchdog.probes"}
	}
	if err := h.handover.put(raw); err != nil {
		return "", err
	}
	h.mu.Lock()
	next := *old
	next.Proxy.Builtin = f.Proxy.Builtin
	h.file = &next
	h.mu.Unlock()
	h.boards.resize(f.Proxy.Builtin.MaxRequests)
	return h.tellProxy()
}

// reloadTime bounds the wait for the proxy's word on a new configuration.
const reloadTime = 5 * time.Second

// tellProxy makes a proxy that runs read its configuration again, and waits
// for what it says. One that is starting is told once it is ready: before that
// it does not listen for the signal, which would end it.
func (h *house) tellProxy() (string, error) {
	h.talk.forgetReload()
	h.hupWaits.Store(true)
	if h.sup.Status().Ready {
		h.signalReload()
	}
	if h.hupWaits.Load() {
		return "proxy.builtin, as soon as the proxy is ready", nil
	}
	select {
	case err := <-h.talk.reloaded:
		return "proxy.builtin", err
	case <-time.After(reloadTime):
		return "", fmt.Errorf("the proxy has not said within %s that it took the new configuration", reloadTime)
	}
}

// signalReload sends the signal that waits, if one does.
func (h *house) signalReload() {
	if !h.hupWaits.Swap(false) {
		return
	}
	if err := h.sup.Signal(syscall.SIGHUP); err != nil {
		h.hupWaits.Store(true) // the life is gone; the next one is told when it is ready
	}
}

// watchReady tells a life that became ready of a reload that came too early.
func (h *house) watchReady(ctx context.Context, c *event.Cursor) error {
	for {
		r, err := c.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, ready := r.Event.(event.ChildReady); ready && h.boards != nil {
			h.signalReload()
		}
	}
}

func (h *house) reloadForeign(f *File) (string, error) {
	if f.Proxy.ReloadSignal == "none" {
		return "nothing: proxy.reload_signal is none", nil
	}
	sig, err := supervisor.ParseSignal(f.Proxy.ReloadSignal)
	if err != nil {
		return "", err
	}
	if err := h.sup.Signal(sig); err != nil {
		return "", fmt.Errorf("tell the proxy: %w", err)
	}
	h.hub.Emit(event.SignalForwarded{Signal: f.Proxy.ReloadSignal, Life: h.sup.Status().Life})
	return "the proxy was sent " + f.Proxy.ReloadSignal, nil
}
