package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/reeveproxy/reeve/internal/control"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/journal"
	"github.com/reeveproxy/reeve/internal/metrics"
	"github.com/reeveproxy/reeve/internal/pager"
	"github.com/reeveproxy/reeve/internal/status"
	"github.com/reeveproxy/reeve/rotate"
	"github.com/reeveproxy/reeve/supervisor"
	"github.com/reeveproxy/reeve/watchdog"
	"github.com/reeveproxy/reeve/watchdog/runaway"
)

// The logs of a child. The built-in proxy's access log comes through a pipe of
// its own, so that it is never mixed with what the proxy says on stdout.
const (
	logStdout = "stdout"
	logStderr = "stderr"
	logAccess = "access"
)

// lastWordsSize is what is kept of a child's stderr for its post-mortem: some
// stack traces.
const lastWordsSize = 64 << 10

// lastWordsLines is how many of its last lines a post-mortem shows.
const lastWordsLines = 50

// build makes every room and introduces them to each other. Nothing runs yet,
// and nothing of the child exists; but every address is bound and every folder
// checked, so that a problem of the place is known before anything starts.
func build(f *File, flags runFlags, raw []byte, screen *screen) (*house, error) {
	limits, err := f.wantedLimits()
	if err != nil {
		return nil, usageError{err}
	}
	h := &house{path: flags.config, flags: flags, file: f, state: f.stateDir(), limits: limits, hub: &event.Hub{}, screen: screen, started: time.Now()}
	for _, step := range []func(*File, []byte) error{
		h.buildState, h.buildLogs, h.buildSockets, h.buildOffice, h.buildWatchdog, h.buildSupervisor, h.buildDoors,
	} {
		if err := step(f, raw); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

func (h *house) buildState(f *File, _ []byte) (err error) {
	h.lock, err = control.Lock(h.state)
	return err
}

func (h *house) buildLogs(f *File, _ []byte) (err error) {
	cfg := f.Rotate
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join(h.state, "logs")
	}
	names := []string{logStdout, logStderr}
	if f.Proxy.Builtin != nil {
		names = append(names, logAccess)
	}
	words := supervisor.NewLastWords(lastWordsSize)
	h.talk = newChildTalk(h.hub, words)
	h.keeper, err = rotate.Open(rotate.Options{
		Config: cfg, Names: names, Events: h.hub,
		Taps: map[string]func([]byte){logStderr: func(p []byte) { words.Write(p) }},
	})
	return err
}

func (h *house) buildSockets(f *File, raw []byte) error {
	for _, c := range f.Listen {
		l, err := supervisor.Listen(c)
		if err != nil {
			return err
		}
		h.listeners = append(h.listeners, l)
	}
	if f.Proxy.Builtin == nil {
		return nil
	}
	h.boards = newBoards(f.Proxy.Builtin.MaxRequests)
	var err error
	h.handover, err = newHandover(raw)
	return err
}

func (h *house) buildOffice(f *File, _ []byte) (err error) {
	h.reaper = supervisor.NewReaper(h.hub)
	format := f.Journal.Format
	if v := os.Getenv("REEVE_JOURNAL"); v != "" {
		format = v
	}
	h.journal = journal.New(h.screen, format)
	h.metrics = metrics.New(version())
	h.fold = &status.Fold{}
	h.pager, err = pager.New(pager.Options{
		Config: f.Pager, Service: f.Service, Dir: h.state, Events: h.hub,
		Evidence: h.evidence, Start: h.reaper.Start,
	})
	return err
}

func (h *house) buildWatchdog(f *File, _ []byte) (err error) {
	cfg := f.Watchdog
	if f.Proxy.Builtin != nil && len(cfg.Probes) == 0 {
		cfg.Probes = builtinProbes(h.listeners, f.Proxy.Builtin.StatusPath)
	}
	h.dog, err = watchdog.New(cfg, h.hub, watchdog.Hooks{
		Ready:   func(life uint64, by string) { h.sup.MarkReady(life, by) },
		Unready: func(life uint64, reason string) { h.sup.MarkUnready(life, reason) },
		Start:   h.reaper.Start,
	})
	return err
}

func (h *house) buildSupervisor(f *File, _ []byte) error {
	argv, err := childArgv(f)
	if err != nil {
		return err
	}
	shim, err := shimArgv(h.limits)
	if err != nil {
		return err
	}
	stdout, err := h.keeper.Writer(logStdout)
	if err != nil {
		return err
	}
	stderr, err := h.keeper.Writer(logStderr)
	if err != nil {
		return err
	}
	readyBy := supervisor.ReadyByUptime
	switch {
	case f.Proxy.Builtin != nil:
		readyBy = supervisor.ReadyByProbe
	case h.dog.JudgesReadiness():
		readyBy = supervisor.ReadyByProbe
	}
	h.sup, err = supervisor.New(supervisor.Options{
		Config: f.Supervisor, Argv: argv, Program: childName(f), Env: childEnv(f.Proxy.Env), Dir: f.Proxy.Dir, Shim: shim,
		Listeners: h.listeners, Stdout: stdout, Stderr: stderr,
		Inherit: h.inherit, AfterExec: h.verifyLimits, OnEnd: h.lifeEnded,
		ReadyBy: readyBy, Guards: h.guards(f),
		InFlight:      h.inFlight,
		LastWords:     func() []string { return h.talk.words.LifeLines(lastWordsLines) },
		Limits:        func(uint64) map[string]string { return h.heldLimits() },
		PostMortemDir: filepath.Join(h.state, "post-mortems"), Events: h.hub, Reaper: h.reaper,
	})
	return err
}

func (h *house) buildDoors(f *File, _ []byte) error {
	h.control = &control.Server{Path: socketPath(h.state)}
	h.commands()
	if err := h.control.Listen(); err != nil {
		return err
	}
	h.measure()
	if f.Admin.Listen == "off" {
		return nil
	}
	l, err := net.Listen("tcp", f.Admin.Listen)
	if err != nil {
		ended, end := context.WithCancel(context.Background())
		end()
		// Only a server that ran takes its socket away again.
		return errors.Join(fmt.Errorf("cannot serve the admin pages (admin.listen): %w", err), h.control.Run(ended))
	}
	h.adminListener = l
	h.admin = h.adminServer()
	return nil
}

// guards watch beside each life: the probes, the figures and the requests.
func (h *house) guards(f *File) []supervisor.Guard {
	guards := []supervisor.Guard{
		{Name: "probes", Watch: func(ctx context.Context, l supervisor.Life) error { return h.dog.Watch(ctx, h.subject(l)) }},
		{Name: "gauge", Watch: func(ctx context.Context, l supervisor.Life) error { return h.dog.Gauge(ctx, h.subject(l)) }},
	}
	if h.boards != nil && f.Watchdog.Runaway.Timeout > 0 {
		hunter := runaway.NewHunter(f.Watchdog.Runaway, lifeBoard{h.boards, func() uint64 { return h.sup.Status().Life }}, h.hub)
		guards = append(guards, supervisor.Guard{Name: "runaway", Watch: func(ctx context.Context, l supervisor.Life) error {
			return hunter.Hunt(ctx, l.Number)
		}})
	}
	return guards
}

func (h *house) subject(l supervisor.Life) watchdog.Subject {
	s := watchdog.Subject{Life: l.Number, PID: l.PID, Started: l.Started}
	if h.boards != nil {
		s.Progress = func() (uint64, bool) { return h.boards.progress(l.Number) }
		s.InFlight = func() (uint64, bool) { return h.boards.busy(l.Number) }
	}
	return s
}
