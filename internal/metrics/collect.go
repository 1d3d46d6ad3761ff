package metrics

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

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

// Gauge registers a series whose value is read at each scrape. It panics on a
// name that is taken or malformed, which is a mistake of the program.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.single(Desc{Name: name, Help: help}, read)
}

// Counter is Gauge for a number that only rises; its name ends in _total.
func (m *Metrics) Counter(name, help string, read func() float64) {
	m.single(Desc{Name: name, Help: help, Counter: true}, read)
}

func (m *Metrics) single(d Desc, read func() float64) {
	m.Collect([]Desc{d}, func(emit Emit) { emit(d.Name, nil, read()) })
}

// Collect registers families with labels. At each scrape read is called once
// and emits what there is at that moment. It panics as Gauge does.
func (m *Metrics) Collect(descs []Desc, read func(Emit)) {
	c := &collector{families: map[string]family{}, read: read}
	for _, d := range descs {
		if _, taken := c.families[d.Name]; taken {
			panic("internal error: metric " + d.Name + " is declared twice")
		}
		kind := prometheus.GaugeValue
		if d.Counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(d.Name, d.Help, d.Labels, nil)
		c.families[d.Name] = family{desc: desc, kind: kind, labels: d.Labels}
		c.order = append(c.order, desc)
	}
	m.registry.MustRegister(c)
}

type family struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string
}

// collector runs one reading function for the registry.
type collector struct {
	families map[string]family
	order    []*prometheus.Desc
	read     func(Emit)
}

// Describe tells the registry what may come.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.order {
		out <- d
	}
}

// Collect is called on a goroutine of the registry, where a panic would end
// PID 1. This version of the registry recovers by itself; the promise is ours.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	defer func() {
		if v := recover(); v != nil {
			out <- prometheus.NewInvalidMetric(c.order[0], fmt.Errorf("read metric: panic: %v", v))
		}
	}()
	c.read(func(name string, labels map[string]string, value float64) {
		m, err := c.metric(name, labels, value)
		if err != nil {
			m = prometheus.NewInvalidMetric(c.order[0], err)
		}
		out <- m
	})
}

var errUndeclared = errors.New("not declared")

func (c *collector) metric(name string, labels map[string]string, value float64) (prometheus.Metric, error) {
	f, ok := c.families[name]
	if !ok {
		return nil, fmt.Errorf("emit metric %q: %w", name, errUndeclared)
	}
	if len(labels) != len(f.labels) {
		return nil, fmt.Errorf("emit metric %s: %d labels, declared %d", name, len(labels), len(f.labels))
	}
	values := make([]string, len(f.labels))
	for i, l := range f.labels {
		v, ok := labels[l]
		if !ok {
			return nil, fmt.Errorf("emit metric %s: no label %q", name, l)
		}
		values[i] = v
	}
	return prometheus.NewConstMetric(f.desc, f.kind, value, values...)
}
