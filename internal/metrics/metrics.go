package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/reeveproxy/reeve/internal/event"
)

// Metrics is one registry and the consumer that feeds it. Make it with New.
type Metrics struct {
	registry *prometheus.Registry
	counts   *counts
}

// New returns a registry with reeve's own families, Go's runtime and this
// process. The version is that of the binary.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), counts: newCounts()}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "reeve_build_info", Help: "The running binary; the value is always 1",
	}, []string{"version", "goversion"})
	info.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.counts.families()...)
	return m
}

// Run counts the records of the cursor until the hub is closed and drained, and
// then returns nil; it returns ctx's error where ctx ends first.
func (m *Metrics) Run(ctx context.Context, c *event.Cursor) error {
	for {
		rec, err := c.Next(ctx)
		m.counts.missed.Add(float64(c.Missed()))
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read timeline: %w", err)
		}
		m.counts.apply(rec)
	}
}

// Handler serves the metrics. A series that cannot be read is left out and the
// rest is served.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 8,
		Registry:            m.registry,
	})
}
