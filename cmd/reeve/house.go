package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeveproxy/reeve/internal/control"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/journal"
	"github.com/reeveproxy/reeve/internal/metrics"
	"github.com/reeveproxy/reeve/internal/pager"
	"github.com/reeveproxy/reeve/internal/status"
	"github.com/reeveproxy/reeve/rlimit"
	"github.com/reeveproxy/reeve/rotate"
	"github.com/reeveproxy/reeve/supervisor"
	"github.com/reeveproxy/reeve/watchdog"
)

// house is one reeve: every room, built and introduced to the others.
type house struct {
	path  string   // of the configuration, "" for the embedded one
	flags runFlags // of the command line, which a reload keeps
	state string   // the state folder

	reloading sync.Mutex // one reload at a time

	mu   sync.Mutex
	file *File                            // in force; replaced by a reload
	real map[rlimit.Resource]rlimit.Limit // as the kernel held them for the newest life

	limits          rlimit.Set
	hub             *event.Hub
	hupWaits        atomic.Bool // the proxy is to read its configuration once it is ready
	lock            *control.StateLock
	keeper          *rotate.Keeper
	listeners       []*supervisor.Listener
	reaper          *supervisor.Reaper
	boards          *boards    // nil for a foreign proxy
	handover        *handover  // the built-in proxy's configuration, nil for a foreign one
	talk            *childTalk // what the child tells over its events descriptor
	dog             *watchdog.Watchdog
	sup             *supervisor.Supervisor
	pager           *pager.Pager
	fold            *status.Fold
	metrics         *metrics.Metrics
	journal         *journal.Journal
	screen          *screen
	control         *control.Server
	admin           *http.Server
	adminListener   net.Listener
	chores          *crew // what commands and signals set going
	samples         []*http.Server
	sampleListeners []net.Listener
	started         time.Time
}

// config is the configuration in force.
func (h *house) config() *File {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.file
}

// close releases what build took, for a house that never ran. What is nil was
// not built yet.
func (h *house) close() error {
	var errs []error
	for _, l := range h.listeners {
		errs = append(errs, l.Close())
	}
	for _, s := range h.samples {
		errs = append(errs, s.Close())
	}
	if h.adminListener != nil {
		errs = append(errs, ignoreClosed(h.adminListener.Close()))
	}
	if h.handover != nil {
		errs = append(errs, h.handover.close())
	}
	if h.lock != nil {
		errs = append(errs, h.lock.Close())
	}
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) || errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
