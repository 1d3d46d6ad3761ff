package main

import (
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/reeveproxy/reeve/internal/metrics"
)

// adminServer serves what may be read by machines: metrics, health and status.
// Nothing on it changes anything.
func (h *house) adminServer() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h.metrics.Handler())
	mux.Handle("GET /healthz", h.fold.Healthz())
	mux.Handle("GET /readyz", h.fold.Readyz())
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		report := h.report(r.Context())
		if r.URL.Query().Has("json") {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(report)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		report.print(w)
	})
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
}

// loopback reports whether an address can be reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// measure registers what the rooms know as metrics.
func (h *house) measure() {
	m := h.metrics
	m.Gauge("reeve_child_failures", "Failed lives in a row", func() float64 { return float64(h.sup.Status().Failures) })
	m.Gauge("reeve_requests_in_flight", "Requests that the built-in proxy serves now", func() float64 {
		return float64(len(h.inFlight(h.sup.Status().Life)))
	})
	m.Counter("reeve_requests_completed_total", "Requests that the current life of the built-in proxy has completed", func() float64 {
		if h.boards == nil {
			return 0
		}
		n, _ := h.boards.progress(h.sup.Status().Life)
		return float64(n)
	})
	m.Counter("reeve_journal_lost_total", "Lines of the journal that standard error did not take", func() float64 { return float64(h.journal.Lost()) })
	h.measureUsage()
	h.measureLogs()
}

func (h *house) measureUsage() {
	m := h.metrics
	m.Gauge("reeve_child_rss_bytes", "Resident memory of the child and its descendants", func() float64 { return float64(h.dog.Status().Usage.RSS) })
	m.Gauge("reeve_child_cpu_ratio", "Processor time of the child's tree as a share of one core", func() float64 { return h.dog.Status().Usage.CPU / 100 })
	m.Gauge("reeve_child_open_files", "Open files of the child and its descendants", func() float64 { return float64(h.dog.Status().Usage.FDs) })
	m.Gauge("reeve_child_threads", "Threads of the child and its descendants", func() float64 { return float64(h.dog.Status().Usage.Threads) })
}

func (h *house) measureLogs() {
	labels := []string{"log", "state"}
	descs := []metrics.Desc{
		{Name: "reeve_log_lines_total", Help: "Lines of a log: in is written, suppressed, dropped and still queued together", Counter: true, Labels: labels},
		{Name: "reeve_log_bytes_total", Help: "Bytes of a log: in is written, suppressed, dropped and still queued together", Counter: true, Labels: labels},
		{Name: "reeve_log_archived_bytes", Help: "Bytes of a log's archives", Labels: []string{"log"}},
	}
	h.metrics.Collect(descs, func(emit metrics.Emit) {
		for _, l := range h.keeper.Status() {
			for _, c := range []struct {
				state        string
				lines, bytes uint64
			}{
				{"in", l.In.Lines, l.In.Bytes}, {"written", l.Written.Lines, l.Written.Bytes},
				{"suppressed", l.Suppressed.Lines, l.Suppressed.Bytes}, {"dropped", l.Dropped.Lines, l.Dropped.Bytes},
			} {
				at := map[string]string{"log": l.Name, "state": c.state}
				emit("reeve_log_lines_total", at, float64(c.lines))
				emit("reeve_log_bytes_total", at, float64(c.bytes))
			}
			emit("reeve_log_archived_bytes", map[string]string{"log": l.Name}, float64(l.Kept))
		}
	})
}
