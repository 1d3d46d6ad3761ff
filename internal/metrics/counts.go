package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/reeveproxy/reeve/internal/event"
)

// counts is what the timeline adds up to. Only Run's goroutine changes it.
type counts struct {
	events    *prometheus.CounterVec
	restarts  *prometheus.CounterVec
	missed    prometheus.Counter
	up        prometheus.Gauge
	ready     prometheus.Gauge
	incidents prometheus.Gauge

	open  event.Incidents
	life  uint64      // the one that runs or ran last
	cause event.Cause // why it ended; "" while it runs
}

func newCounts() *counts {
	c := &counts{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reeve_events_total", Help: "Events on the timeline, by kind",
		}, []string{"kind"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "reeve_child_restarts_total", Help: "Launches of the child after the first, by what ended the life before",
		}, []string{"cause"}),
		missed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "reeve_events_missed_total", Help: "Events that these metrics were too slow to count",
		}),
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reeve_child_up", Help: "Whether a life of the child runs",
		}),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reeve_child_ready", Help: "Whether the running life of the child is ready to serve",
		}),
		incidents: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reeve_incidents_open", Help: "Paging incidents that nothing has ended yet",
		}),
	}
	for _, d := range event.Declarations() {
		c.events.WithLabelValues(d.Kind())
	}
	for _, cause := range []event.Cause{event.CauseExit, event.CauseCondemned, event.CauseAsked} {
		c.restarts.WithLabelValues(string(cause))
	}
	return c
}

func (c *counts) families() []prometheus.Collector {
	return []prometheus.Collector{c.events, c.restarts, c.missed, c.up, c.ready, c.incidents}
}

func (c *counts) apply(rec event.Record) {
	c.events.WithLabelValues(rec.Event.Kind()).Inc()
	c.open.Apply(rec)
	c.incidents.Set(float64(c.open.Len()))
	switch e := rec.Event.(type) {
	case event.ChildLaunched:
		if c.cause != "" {
			c.restarts.WithLabelValues(string(c.cause)).Inc()
		}
		c.life, c.cause = e.Life, ""
		c.up.Set(1)
		c.ready.Set(0)
	case event.ChildReady:
		if e.Life == c.life && c.cause == "" {
			c.ready.Set(1)
		}
	case event.ChildUnready:
		c.unready(e.Life)
	case event.ChildCondemned:
		c.unready(e.Life)
	case event.ChildStopping:
		c.unready(e.Life)
	case event.ChildStopped:
		c.ended(e.Life, e.Cause)
	case event.ChildDied:
		c.ended(e.Life, event.CauseExit)
	}
}

func (c *counts) unready(life uint64) {
	if life == c.life {
		c.ready.Set(0)
	}
}

func (c *counts) ended(life uint64, cause event.Cause) {
	if life != c.life {
		return
	}
	c.cause = cause
	c.up.Set(0)
	c.ready.Set(0)
}
