package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/supervisor"
)

// tellManager tells the system manager that started reeve what it needs to
// know: READY=1 once the proxy is ready, STOPPING=1, a status line, and
// WATCHDOG=1 only after reeve itself has answered through its own front door.
func (h *house) tellManager(ctx context.Context, c *event.Cursor) error {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if every := managerWatchdog(); every > 0 {
		h.chores.once("manager watchdog", func(ctx context.Context) error { return h.pat(ctx, every) })
	}
	for {
		r, err := c.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if state := managerState(r.Event); state != "" {
			_ = supervisor.NotifyUp(state) // a manager that does not listen is its own trouble
		}
	}
}

func managerState(e event.Event) string {
	switch e := e.(type) {
	case event.ChildReady:
		return "READY=1\nSTATUS=proxy is ready, life " + strconv.FormatUint(e.Life, 10)
	case event.ChildDied:
		return "STATUS=proxy died (" + e.Status + "), restarting"
	case event.ChildRested:
		return "STATUS=proxy is down, trying slowly: " + e.Last
	case event.ReeveStopping:
		return "STOPPING=1\nSTATUS=stopping: " + e.Reason
	default:
		return ""
	}
}

// managerWatchdog is half of the time within which systemd wants a sign of
// life (sd_watchdog_enabled(3)); 0 where it wants none.
func managerWatchdog() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return 0
	}
	return time.Duration(us) * time.Microsecond / 2
}

// pat sends WATCHDOG=1 as long as reeve's own control socket answers, which it
// does after the supervisor's loop has turned. A ticker alone would prove
// nothing.
func (h *house) pat(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, every)
		err := h.client().Do(ask, "GET", "/v1/ping", nil, nil)
		cancel()
		if err == nil {
			_ = supervisor.NotifyUp("WATCHDOG=1")
		}
	}
}
