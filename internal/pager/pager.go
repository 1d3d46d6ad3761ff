package pager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// Options is what a Pager needs from its house.
type Options struct {
	Config  Config
	Service string // label of all pages
	Host    string // label of all pages; "" is the host's name
	// Dir is the state folder; the spool is made in it. "" keeps all in memory.
	Dir string
	// Continues tells that the spool is of a pager of this same process, whose
	// Run has ended for a new configuration. Its incidents are then as good as
	// new; those of an earlier process must be seen again, or they are resolved.
	Continues bool
	// Events takes what the pager tells about itself; nil discards it.
	Events event.Sink
	// Evidence returns facts for a page that opens, such as the last log lines.
	// It must return promptly. A nil Evidence adds none.
	Evidence func() map[string]string
	// Start starts a command; nil is (*exec.Cmd).Start. A PID 1 that reaps gives
	// one that registers the process before anybody can collect it. The pager
	// calls Wait itself.
	Start func(*exec.Cmd) error
	// Transport carries HTTP requests; nil is a transport of the pager's own.
	Transport http.RoundTripper
	// Flush is the longest time that Run goes on sending after the hub was
	// closed; 0 is DefaultFlush.
	Flush time.Duration
}

// DefaultFlush is the time for the last pages.
const DefaultFlush = 5 * time.Second

// refreshEvery is how often an Alertmanager, which may have lost its memory,
// is told what is open.
const refreshEvery = time.Minute

// Pager turns events into pages. Make it with New.
type Pager struct {
	o         Options
	events    event.Sink
	spool     *spool
	receivers []*receiver
	closing   chan struct{} // closed when the timeline has ended

	mu        sync.Mutex
	ledger    *ledger
	refreshed time.Time
	seq       uint64 // of the last record that was folded
}

// New returns a pager and takes over what an earlier one left in Dir. It fails
// on a configuration that Validate refuses. It starts nothing.
func New(o Options) (*Pager, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, fmt.Errorf("configure pager: %w", err)
	}
	o.Config = o.Config.withDefaults()
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	if o.Flush == 0 {
		o.Flush = DefaultFlush
	}
	p := &Pager{o: o, events: o.Events, spool: newSpool(o.Dir), closing: make(chan struct{})}
	if p.events == nil {
		p.events = event.Discard{}
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	for _, rc := range o.Config.Receivers {
		p.receivers = append(p.receivers, newReceiver(rc, o, p.spool, p.events))
	}
	now := time.Now()
	p.ledger = newLedger(o.Host, o.Service, o.Config.Repeat.Std(), now)
	p.inherit(now)
	return p, nil
}

func newReceiver(rc ReceiverConfig, o Options, s *spool, events event.Sink) *receiver {
	r := &receiver{
		name: rc.Name, kind: rc.Kind, min: severities[rc.MinSeverity], retry: o.Config.Retry,
		maxAge: o.Config.MaxAge.Std(), spool: s, events: events,
		wake: make(chan struct{}, 1), queue: newQueue(o.Config.SpoolMax),
		budget: budget{perMinute: rc.Budget.PerMinute, perHour: rc.Budget.PerHour},
	}
	switch rc.Kind {
	case KindAlertmanager:
		r.sender = &alertmanager{newPoster(rc, o.Transport, "/api/v2/alerts"), o.Config.alertLife()}
		r.many, r.budget = true, budget{} // it groups and limits by itself
	case KindWebhook:
		w := &webhook{poster: newPoster(rc, o.Transport, "")}
		if rc.Template != "" {
			w.body, _ = parseTemplate(rc.Template) // Validate has read it
		}
		r.sender = w
	default:
		r.sender = newCommand(rc, o.Start)
	}
	return r
}

var severities = map[string]event.Severity{
	"info": event.Info, "warning": event.Warning, "urgent": event.Urgent, "critical": event.Critical,
}

// inherit takes over the spool.
func (p *Pager) inherit(now time.Time) {
	incidents, pages, bad := p.spool.load()
	for _, reason := range bad {
		p.events.Emit(event.PageDropped{Reason: reason})
	}
	if incidents != nil {
		if err := p.ledger.load(incidents, !p.o.Continues); err != nil {
			p.events.Emit(event.PageDropped{Reason: err.Error()})
		}
	}
	for _, w := range pages {
		if r := p.receiver(w.Receiver); r != nil {
			r.inherit(w)
			continue
		}
		p.spool.put(w.file(), nil)
		p.events.Emit(event.PageDropped{Receiver: w.Receiver, Incident: w.Page.Key, Reason: "the receiver is no longer configured"})
	}
}

func (r *receiver) inherit(w waiting) {
	r.mu.Lock()
	_, dropped := r.queue.put(w)
	r.mu.Unlock()
	if dropped != nil {
		r.drop(*dropped, "the spool is full")
	}
}

func (p *Pager) receiver(name string) *receiver {
	for _, r := range p.receivers {
		if r.name == name {
			return r
		}
	}
	return nil
}

// Run pages until the hub is closed and drained, goes on sending for at most
// Options.Flush, leaves the rest in the spool and returns nil. It returns ctx's
// error where ctx ends first. It must be called at most once.
func (p *Pager) Run(ctx context.Context, c *event.Cursor) error {
	sending, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for _, r := range p.receivers {
		wg.Go(func() { p.guard("pager "+r.name, func() { r.run(sending, p.closing) }) })
	}
	var disk sync.WaitGroup
	disk.Go(func() { p.guard("pager spool", p.spool.run) })
	err := p.read(ctx, c)
	close(p.closing)
	flush := time.AfterFunc(p.o.Flush, stop)
	wg.Wait()
	flush.Stop()
	p.spool.finish()
	disk.Wait()
	// The connections that wait to be used again have goroutines.
	(&http.Client{Transport: p.o.Transport}).CloseIdleConnections()
	return err
}

// guard runs a part of the pager again when it panics.
func (p *Pager) guard(name string, part func()) {
	for p.survive(name, part) {
	}
}

func (p *Pager) survive(name string, part func()) (panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			p.events.Emit(event.GuardPanicked{Guard: name, Value: fmt.Sprint(v)})
			panicked = true
		}
	}()
	part()
	return false
}

// LastSeq is the sequence number of the last record that Run has folded, 0
// before the first: a pager that takes over starts after it.
func (p *Pager) LastSeq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// read folds the timeline and keeps the times, until there is no more.
func (p *Pager) read(ctx context.Context, c *event.Cursor) error {
	for {
		next := p.turn(time.Now())
		until, cancel := context.WithDeadline(ctx, next)
		rec, err := c.Next(until)
		cancel()
		if n := c.Missed(); n > 0 {
			p.events.Emit(event.EventsMissed{Consumer: "pager", Count: n})
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("read timeline: %w", context.Cause(ctx))
		case err == nil:
			p.survive("pager policy", func() { p.apply(rec) })
		}
	}
}
