package metrics

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/reeveproxy/reeve/internal/event"
)

// Metrics is one registry and the consumer that feeds it. Make it with New.
type Metrics struct {
	registry *prometheus.Registry
}

// Desc declares a family of series that Collect emits.
type Desc struct {
	Name    string   // "reeve_log_lines_total"; a counter's name ends in _total
	Help    string   // one sentence without a full stop
	Counter bool     // false is a gauge
	Labels  []string // names of the labels that every emitted series carries
}

// Emit gives one series of a declared family to the scrape that runs. The
// labels must be exactly those of the declaration.
type Emit func(name string, labels map[string]string, value float64)

// New returns a registry with reeve's own families, Go's runtime and this
// process. The version is that of the binary.
func New(version string) *Metrics { return &Metrics{registry: prometheus.NewRegistry()} }

// Run counts the records of the cursor until the hub is closed and drained, and
// then returns nil; it returns ctx's error where ctx ends first.
func (m *Metrics) Run(ctx context.Context, c *event.Cursor) error { return nil }

// Gauge registers a series whose value is read at each scrape. It panics on a
// name that is taken or malformed, which is a mistake of the program.
func (m *Metrics) Gauge(name, help string, read func() float64) {}

// Counter is Gauge for a number that only rises; its name ends in _total.
func (m *Metrics) Counter(name, help string, read func() float64) {}

// Collect registers families with labels. At each scrape read is called once
// and emits what there is at that moment.
func (m *Metrics) Collect(descs []Desc, read func(Emit)) {}

// Handler serves the metrics. A series that cannot be read is left out and the
// rest is served.
func (m *Metrics) Handler() http.Handler { return http.NotFoundHandler() }
