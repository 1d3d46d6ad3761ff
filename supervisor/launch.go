package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// launchLimit bounds the time from fork to exec of the child's program.
	launchLimit = 10 * time.Second
	firstFD     = 3 // after the standard streams, as LISTEN_FDS counts
)

// host is the operating system of one Supervisor.
type host struct {
	sup    *Supervisor
	opts   *Options
	cfg    *Config
	reaper *Reaper
	forker *forker
	notify *notifyServer
	stopR  context.CancelFunc
	reaped chan struct{} // closed when the reaper has ended
}

func newHost(s *Supervisor) *host {
	h := &host{sup: s, opts: &s.opts, cfg: &s.cfg, reaper: s.opts.Reaper}
	if h.reaper == nil {
		h.reaper = NewReaper(s.events)
	}
	h.notify = newNotifyServer(s)
	return h
}

func (h *host) start() error {
	seal()
	if err := h.notify.start(); err != nil {
		return err
	}
	h.forker = newForker()
	ctx, cancel := context.WithCancel(context.Background())
	h.stopR, h.reaped = cancel, make(chan struct{})
	go func() {
		defer close(h.reaped)
		for ctx.Err() == nil {
			h.sup.contained("reaper", func() { h.reaper.loop(ctx) })
		}
	}()
	return nil
}

func (h *host) stop() {
	h.notify.stop()
	h.forker.stop()
	h.stopR()
	<-h.reaped
}

// launchSafely is launch with a panic of a hook turned into an error.
func (s *Supervisor) launchSafely(n uint64) (l Life, p process, err error) {
	if text := recovered(func() { l, p, err = s.launch(s.patience, n) }); text != "" {
		return Life{}, nil, fmt.Errorf("launch child: panic: %s", text)
	}
	return l, p, err
}

// launchCode is the exit code that fits a failed launch.
func launchCode(err error) int {
	if e, ok := errors.AsType[*ExecError](err); ok {
		return e.Code
	}
	return 126
}

// kit is what one life gets from its parent.
type kit struct {
	argv  []string
	env   []string
	files []uintptr
	held  []any // keeps the files open until the fork
}

func (h *host) launch(ctx context.Context, n uint64) (Life, process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return Life{}, nil, fmt.Errorf("launch child: %w", err)
	}
	defer null.Close()
	k, done, err := h.equip(n, null)
	if err != nil {
		return Life{}, nil, fmt.Errorf("launch child: %w", err)
	}
	defer done()
	if len(h.opts.Shim) == 0 {
		c, err := h.fork(k, n)
		if err != nil {
			return Life{}, nil, fmt.Errorf("launch child: %w", err)
		}
		return c.life, c, nil
	}
	return h.launchShim(ctx, k, n)
}

// launchShim starts the shim and waits until it has become the program.
func (h *host) launchShim(ctx context.Context, k kit, n uint64) (Life, process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return Life{}, nil, fmt.Errorf("launch child: %w", err)
	}
	defer r.Close()
	k.env = append(k.env, execFDVar+"="+strconv.Itoa(len(k.files)), execParentVar+"="+strconv.Itoa(os.Getpid()))
	k.files = append(k.files, w.Fd())
	c, err := h.fork(k, n)
	w.Close()
	if err != nil {
		return Life{}, nil, fmt.Errorf("launch child: %w", err)
	}
	if err := awaitExec(ctx, r); err != nil {
		_ = c.Signal(syscall.SIGKILL, true)
		c.Wait()
		now := make(chan struct{})
		close(now)
		c.Sweep(now)
		return Life{}, nil, fmt.Errorf("launch child: %w", err)
	}
	return c.life, c, nil
}

// errInterrupted: an impatient stop came before the child's program ran.
var errInterrupted = errors.New("interrupted before exec")

// awaitExec reads the shim's report: nothing means that the program runs.
func awaitExec(ctx context.Context, r *os.File) error {
	_ = r.SetReadDeadline(time.Now().Add(launchLimit))
	stop := context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	text, err := io.ReadAll(io.LimitReader(r, 4096))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return errInterrupted
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the shim did not exec within %s", launchLimit)
	case err != nil:
		return fmt.Errorf("read the shim's report: %w", err)
	case len(text) == 0:
		return nil
	}
	code, reason, _ := strings.Cut(string(text), " ")
	n, err := strconv.Atoi(code)
	if err != nil {
		n, reason = 126, string(text)
	}
	return &ExecError{Code: n, Err: errors.New(reason)}
}

// equip gathers descriptors and environment. done must be called after the fork.
func (h *host) equip(n uint64, null *os.File) (k kit, done func(), err error) {
	k.argv = append(append([]string(nil), h.opts.Shim...), h.opts.Argv...)
	k.files = []uintptr{null.Fd(), 1, 2}
	if h.opts.Stdout != nil {
		k.files[1] = h.opts.Stdout.Fd()
	}
	if h.opts.Stderr != nil {
		k.files[2] = h.opts.Stderr.Fd()
	}
	for _, l := range h.opts.Listeners {
		k.files = append(k.files, l.file.Fd())
	}
	k.env = h.baseEnv()
	done = func() {}
	if h.opts.Inherit != nil {
		in, err := h.opts.Inherit(n, len(k.files))
		if err != nil {
			return kit{}, nil, fmt.Errorf("inherit: %w", err)
		}
		for _, f := range in.Files {
			k.files = append(k.files, f.Fd())
		}
		k.held = append(k.held, in.Files)
		k.env = append(k.env, in.Env...)
		if in.Done != nil {
			done = in.Done
		}
	}
	return k, done, nil
}

// baseEnv is the child's environment without what meant reeve itself, and with
// the protocols that reeve speaks to its child.
func (h *host) baseEnv() []string {
	env := h.opts.Env
	if env == nil {
		env = os.Environ()
	}
	shim := len(h.opts.Shim) > 0
	out := make([]string, 0, len(env)+8)
	for _, e := range env {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", execFDVar, execParentVar:
			continue
		}
		out = append(out, e)
	}
	if addr := h.notify.addr; addr != "" {
		out = append(out, "NOTIFY_SOCKET="+addr)
	}
	if h.cfg.Watchdog > 0 {
		out = append(out, "WATCHDOG_USEC="+strconv.FormatInt(h.cfg.Watchdog.Std().Microseconds(), 10))
		if shim {
			out = append(out, "WATCHDOG_PID=0") // the shim knows it
		}
	}
	if len(h.opts.Listeners) > 0 {
		names := make([]string, len(h.opts.Listeners))
		for i, l := range h.opts.Listeners {
			names[i] = l.Name()
		}
		out = append(out, "LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
		if shim {
			out = append(out, "LISTEN_PID=0")
		}
	}
	return out
}

// fromDir makes a relative program relative to the child's folder, where exec
// will look for it.
func (h *host) fromDir(program string) string {
	if h.opts.Dir == "" || filepath.IsAbs(program) || !strings.Contains(program, "/") {
		return program
	}
	if dir, err := filepath.Abs(h.opts.Dir); err == nil {
		return filepath.Join(dir, program)
	}
	return program
}

// fork makes the process, registers it with the reaper and tells the notify
// server about it, so that neither ever sees a child it does not know.
func (h *host) fork(k kit, n uint64) (c *child, err error) {
	path, err := lookPath(h.fromDir(k.argv[0]), lookup(k.env, "PATH"))
	if err != nil {
		return nil, execError("find "+k.argv[0], err)
	}
	h.forker.do(func() {
		var pid int
		pid, err = h.reaper.fork(func() (int, error) {
			pid, err := syscall.ForkExec(path, k.argv, &syscall.ProcAttr{
				Dir: h.opts.Dir, Env: k.env, Files: k.files, Sys: childAttr(),
			})
			if err != nil {
				return 0, execError("exec "+path, err)
			}
			h.notify.expect(n, pid)
			return pid, nil
		})
		if err == nil {
			c = &child{life: Life{Number: n, PID: pid, Started: time.Now()}, reaper: h.reaper, grace: h.cfg.LeftGrace.Std()}
		}
	})
	runtime.KeepAlive(k.held)
	return c, err
}
