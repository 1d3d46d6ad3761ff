package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/spf13/cobra"
)

// runFlags is what the command line may say without a file, or over it.
type runFlags struct {
	config string
	state  string
	logs   string
	admin  string
	limits []string
}

// runVerb is the main job.
func runVerb() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run [-c FILE] [-- COMMAND [ARG]...]",
		Short: "Run a proxy and watch over it",
		Long: "run starts the proxy that the file names, or the command after --, or, with neither, the\n" +
			"built-in proxy over three sample members on loopback.",
		Example: "  reeve run\n  reeve run -c /etc/reeve/reeve.yaml\n  reeve run --limit nofile=4096 -- nginx -g 'daemon off;'",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, raw, err := runConfig(flags, args)
			if err != nil {
				return usageError{err}
			}
			return run(cmd.Context(), f, flags, raw)
		},
	}
	cmd.Flags().StringVarP(&flags.config, "config", "c", "", "configuration file")
	cmd.Flags().StringVar(&flags.state, "state", "", "state folder, over the file's")
	cmd.Flags().StringVar(&flags.logs, "logs", "", "log folder, over the file's")
	cmd.Flags().StringVar(&flags.admin, "admin", "", "address of the admin pages, over the file's; off for none")
	cmd.Flags().StringArrayVar(&flags.limits, "limit", nil, "a limit of the child such as nofile=4096:8192, over the file's")
	return cmd
}

// runConfig is the configuration of a run: the file, the command line, or the
// embedded default, checked against this machine.
func runConfig(flags runFlags, args []string) (*File, []byte, error) {
	f, raw, err := loadFor(flags.config, args)
	if err != nil {
		return nil, nil, err
	}
	if flags.state != "" {
		f.State = flags.state
	}
	if flags.logs != "" {
		f.Rotate.Dir = flags.logs
	}
	if flags.admin != "" {
		f.Admin.Listen = flags.admin
	}
	f.limitFlags = flags.limits
	if err := f.Validate(); err != nil {
		return nil, nil, err
	}
	if _, err := checkHost(f); err != nil {
		return nil, nil, err
	}
	return f, raw, nil
}

// run builds the house, lives in it and leaves it in order.
func run(ctx context.Context, f *File, flags runFlags, raw []byte) error {
	signals := listenForSignals()
	screen := newScreen(os.Stderr)
	defer screen.close()
	h, err := build(f, flags, raw, screen)
	if err != nil {
		return err
	}
	if flags.config == "" && f.Proxy.Builtin != nil {
		if err := h.serveSamples(); err != nil {
			return errors.Join(err, h.close())
		}
	}
	return h.live(ctx, signals)
}

// live runs every room until the child's supervision ends, and then shuts
// down in the order in which the data flows: the child, its pipes, the
// timeline, those who read it, the doors.
func (h *house) live(ctx context.Context, signals <-chan os.Signal) error {
	h.chores = newCrew(h.hub)
	readers := newCrew(h.hub)
	readers.keep("journal", func(ctx context.Context) error { return h.journal.Run(ctx, h.hub.Cursor()) })
	readers.keep("metrics", func(ctx context.Context) error { return h.metrics.Run(ctx, h.hub.Cursor()) })
	readers.keep("status", func(ctx context.Context) error { return h.fold.Run(ctx, h.hub.Cursor()) })
	readers.keep("pager", func(ctx context.Context) error { return h.pager.Run(ctx, h.hub.Cursor()) })
	readers.keep("manager", func(ctx context.Context) error { return h.tellManager(ctx, h.hub.Cursor()) })
	readers.keep("reload", func(ctx context.Context) error { return h.watchReady(ctx, h.hub.Cursor()) })
	logs := newCrew(h.hub)
	logs.keep("logs", h.keeper.Run)
	doors := newCrew(h.hub)
	doors.keep("control", h.control.Run)
	if h.admin != nil {
		doors.keep("admin", func(context.Context) error { return h.serveAdmin() })
	}
	doors.keep("screen", h.drawScreen)
	for i, s := range h.samples {
		doors.keep("sample", func(context.Context) error { return ignoreClosed(s.Serve(h.sampleListeners[i])) })
	}

	h.hub.Emit(event.ReeveStarted{Version: version(), PID: os.Getpid(), Service: h.config().Service, Config: h.path})
	h.greet()
	ended := h.supervise(ctx, signals)
	return h.leave(ended, logs, readers, doors)
}

// supervise runs the supervisor and obeys signals until it ends.
func (h *house) supervise(ctx context.Context, signals <-chan os.Signal) error {
	done := make(chan error, 1) // one result, and nobody waits for it twice
	stopping := false
	go func() { done <- h.runSupervisor(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			switch orderOf(s) {
			case orderStop:
				if stopping {
					h.sup.Hurry()
					continue
				}
				stopping = true
				h.stop("signal " + s.String())
			case orderReload:
				h.chores.once("reload", func(context.Context) error { _, _ = h.reload(); return nil }) // told as an event either way
			case orderRotate:
				h.chores.once("rotate", func(ctx context.Context) error { return h.rotateAll(ctx, "signal") })
			case orderRestart:
				h.sup.Restart("signal " + s.String())
			}
		}
	}
}

// stop begins the ordered stop.
func (h *house) stop(reason string) {
	h.hub.Emit(event.ReeveStopping{Reason: reason})
	h.sup.Stop(reason)
}

// runSupervisor turns a panic of the core loop into an end that can be told:
// as PID 1 a crash would take everything down without a word.
func (h *house) runSupervisor(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			h.hub.Emit(event.GuardPanicked{Guard: "supervisor", Value: fmt.Sprint(v)})
			err = fmt.Errorf("internal error: supervisor panicked: %v", v)
		}
	}()
	return h.sup.Run(ctx)
}

// The bounds of the steps of leaving. A step that is not done by then is
// named, and the next begins.
const (
	drainTime  = 10 * time.Second
	readerTime = 15 * time.Second // the pager's own flush is 5 s
	doorTime   = 3 * time.Second
)

func (h *house) leave(ended error, logs, readers, doors *crew) error {
	var problems *multierror.Error
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	h.chores.cancel()
	problems = multierror.Append(problems, h.chores.wait(doorTime))
	h.talk.close()
	if err := h.keeper.Drain(ctx); err != nil {
		problems = multierror.Append(problems, fmt.Errorf("drain logs: %w", err))
	}
	problems = multierror.Append(problems, logs.wait(drainTime))
	code := exitCode(ended)
	h.hub.Emit(event.ReeveStopped{ExitCode: code})
	h.hub.Close()
	problems = multierror.Append(problems, readers.wait(readerTime))
	for _, s := range h.servers() {
		problems = multierror.Append(problems, ignoreClosed(s.Close()))
	}
	doors.cancel()
	problems = multierror.Append(problems, doors.wait(doorTime))
	h.screen.live("")
	problems = multierror.Append(problems, h.close())
	if err := problems.ErrorOrNil(); err != nil {
		fmt.Fprintln(h.screen, "reeve: left in disorder:", err)
	}
	return ended
}

func (h *house) serveAdmin() error { return ignoreClosed(h.admin.Serve(h.adminListener)) }

// servers are the HTTP servers of this process.
func (h *house) servers() []*http.Server {
	if h.admin == nil {
		return h.samples
	}
	return append([]*http.Server{h.admin}, h.samples...)
}

// greet tells where to look.
func (h *house) greet() {
	f := h.config()
	out := h.screen
	fmt.Fprintf(out, "reeve %s, pid %d, service %s\n", version(), os.Getpid(), f.Service)
	for _, l := range h.listeners {
		fmt.Fprintf(out, "  proxy    %s\n", urlOf(l.Addr()))
	}
	if h.admin != nil {
		fmt.Fprintf(out, "  status   http://%s/status   (also: reeve status)\n", h.adminListener.Addr())
	}
	fmt.Fprintf(out, "  logs     %s\n", h.logDir())
	fmt.Fprintf(out, "  control  %s\n", socketPath(h.state))
}

func (h *house) logDir() string {
	if dir := h.config().Rotate.Dir; dir != "" {
		return dir
	}
	return filepath.Join(h.state, "logs")
}
