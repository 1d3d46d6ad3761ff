package pager

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
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
	// Events takes what the pager tells about itself; nil discards it.
	Events event.Sink
	// Evidence returns facts for a page that opens, such as the last log lines.
	// It must return promptly. A nil Evidence adds none.
	Evidence func() map[string]string
	// Start starts a command; nil is (*exec.Cmd).Start. A PID 1 that reaps gives
	// one that registers the process before anybody can collect it.
	Start func(*exec.Cmd) error
	// Transport carries HTTP requests; nil is a transport of the pager's own.
	Transport http.RoundTripper
	// Flush is the longest time that Run goes on sending after the hub was
	// closed; 0 is DefaultFlush.
	Flush time.Duration
}

// DefaultFlush is the time for the last pages.
const DefaultFlush = 5 * time.Second

// Pager turns events into pages. Make it with New.
type Pager struct{}

// TestResult is what came of a test page at one receiver.
type TestResult struct {
	Receiver string        `json:"receiver"`
	Kind     string        `json:"kind"`
	Target   string        `json:"target"` // without secrets
	Took     time.Duration `json:"took"`
	Error    string        `json:"error,omitempty"` // "" where it was taken
}

// Status is what the pager does now.
type Status struct {
	Incidents []Page           `json:"incidents"` // open ones, oldest first
	Receivers []ReceiverStatus `json:"receivers"`
	Spool     string           `json:"spool,omitempty"`    // its folder
	Degraded  string           `json:"degraded,omitempty"` // why pages are in memory only; "" where they are on disk
}

// ReceiverStatus is the state of one receiver.
type ReceiverStatus struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Target   string    `json:"target"` // without secrets
	Waiting  int       `json:"waiting"`
	Sent     uint64    `json:"sent"`
	Failed   uint64    `json:"failed"` // tries
	Dropped  uint64    `json:"dropped"`
	LastSent time.Time `json:"last_sent,omitzero"`
	Down     bool      `json:"down"`            // the last try failed
	Error    string    `json:"error,omitempty"` // of the last try, where Down
}

// New returns a pager and takes over what an earlier one left in Dir. It fails
// on a configuration that Validate refuses.
func New(o Options) (*Pager, error) { return nil, errors.New("not ready") }

// Run pages until the hub is closed and drained, goes on sending for at most
// Options.Flush, leaves the rest in the spool and returns nil. It returns ctx's
// error where ctx ends first. It must be called at most once.
func (p *Pager) Run(ctx context.Context, c *event.Cursor) error { return nil }

// Test sends a test page to every receiver at once, past its budget, and tells
// what came of each. The error is ctx's.
func (p *Pager) Test(ctx context.Context, by string) ([]TestResult, error) { return nil, nil }

// Status tells what the pager does now. It is safe at any time.
func (p *Pager) Status() Status { return Status{} }
