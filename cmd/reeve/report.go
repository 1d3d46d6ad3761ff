package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/pager"
	"github.com/reeveproxy/reeve/internal/scoreboard"
	"github.com/reeveproxy/reeve/internal/status"
	"github.com/reeveproxy/reeve/rotate"
	"github.com/reeveproxy/reeve/supervisor"
	"github.com/reeveproxy/reeve/watchdog"
)

// Report is all that `reeve status` shows: what every room says of itself, at
// one moment.
type Report struct {
	Version   string               `json:"version"`
	Service   string               `json:"service"`
	PID       int                  `json:"pid"`
	Started   time.Time            `json:"started"`
	Config    string               `json:"config,omitempty"`
	Ready     bool                 `json:"ready"`
	Child     supervisor.Status    `json:"child"`
	Listeners []ListenerRow        `json:"listeners"`
	Limits    []LimitRow           `json:"limits"`
	Watchdog  watchdog.Status      `json:"watchdog"`
	Requests  []scoreboard.Request `json:"requests"`
	Proxy     json.RawMessage      `json:"proxy,omitempty"` // the built-in proxy's own status
	Logs      []rotate.LogStatus   `json:"logs"`
	Incidents []status.Incident    `json:"incidents"`
	Pager     pager.Status         `json:"pager"`
}

// ListenerRow is a socket that reeve keeps for the proxy.
type ListenerRow struct {
	Name string `json:"name"`
	Addr string `json:"addr"`
}

// LimitRow is a limit as it is wanted and as the kernel holds it.
type LimitRow struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Real string `json:"real"` // "" while no life runs
}

func (h *house) report(ctx context.Context) Report {
	f := h.config()
	child := h.sup.Status()
	fold := h.fold.Snapshot()
	r := Report{
		Version: version(), Service: f.Service, PID: os.Getpid(), Started: h.started, Config: h.path,
		Ready: child.Ready, Child: child, Watchdog: h.dog.Status(), Requests: h.inFlight(child.Life),
		Logs: h.keeper.Status(), Incidents: fold.Incidents, Pager: h.pager.Status(),
	}
	for _, l := range h.listeners {
		r.Listeners = append(r.Listeners, ListenerRow{Name: l.Name(), Addr: l.Addr().String()})
	}
	real := h.heldLimits()
	for _, e := range h.limits {
		row := LimitRow{Name: string(e.Resource), Want: e.Limit.Text(e.Resource)}
		if child.PID != 0 {
			row.Real = real[row.Name]
		}
		r.Limits = append(r.Limits, row)
	}
	if f.Proxy.Builtin != nil && child.Ready {
		r.Proxy = h.askProxy(ctx, f.Proxy.Builtin.StatusPath)
	}
	return r
}

// askTime bounds the question to the proxy: a status must also come when the
// proxy does not answer.
const askTime = time.Second

// askProxy is the built-in proxy's own status, nil where it does not answer.
func (h *house) askProxy(ctx context.Context, path string) json.RawMessage {
	if path == "" || len(h.listeners) == 0 {
		return nil
	}
	addr, ok := h.listeners[0].Addr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+probeHost(addr)+path+"?json", nil)
	if err != nil {
		return nil
	}
	req.Close = true
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK || !json.Valid(body) {
		return nil
	}
	return body
}

// print writes the report for people.
func (r Report) print(w io.Writer) {
	ready := "READY"
	if !r.Ready {
		ready = "NOT READY"
	}
	fmt.Fprintf(w, "%s  %s  reeve %s pid %d, up %s\n", r.Service, ready, r.Version, r.PID, since(r.Started))
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	r.printChild(t)
	r.printWatch(t)
	r.printLogs(t)
	r.printOffice(t)
	t.Flush()
}

func (r Report) printChild(w io.Writer) {
	c := r.Child
	fmt.Fprintf(w, "\nchild\t%s\tlife %d, pid %d, up %s, %d restarts, %d failures in a row\n", c.State, c.Life, c.PID, since(c.Started), c.Restarts, c.Failures)
	for label, text := range map[string]string{"unready": c.Unready, "says": c.Text, "last exit": c.LastExit, "last error": c.LastError, "condemned": c.Condemned} {
		if text != "" {
			fmt.Fprintf(w, "\t%s\t%s\n", label, text)
		}
	}
	if !c.NextTry.IsZero() {
		fmt.Fprintf(w, "\tnext try\tin %s\n", time.Until(c.NextTry).Round(time.Millisecond))
	}
	fmt.Fprintf(w, "\tstops by\t%s\n", c.Guarantee)
	for _, l := range r.Listeners {
		fmt.Fprintf(w, "listen\t%s\t%s\n", l.Name, l.Addr)
	}
	for _, l := range r.Limits {
		fmt.Fprintf(w, "limit\t%s\twant %s, real %s\n", l.Name, l.Want, dash(l.Real))
	}
	u := r.Watchdog.Usage
	if !u.At.IsZero() {
		fmt.Fprintf(w, "usage\t%d processes\trss %s, cpu %.1f%%, %d threads, %d files (%.0f%% of the cap)\n", u.Processes, config.Size(u.RSS>>10<<10), u.CPU, u.Threads, u.FDs, u.FDShare)
	}
}

func (r Report) printWatch(w io.Writer) {
	for _, p := range r.Watchdog.Probes {
		fmt.Fprintf(w, "probe\t%s\t%s %s, last: %s (%s)\n", p.Name, p.Role, p.State, dash(p.Last), p.Latency.Round(time.Microsecond))
	}
	for _, c := range r.Watchdog.Conditions {
		state := "ok"
		if c.Raised {
			state = "RAISED"
		}
		fmt.Fprintf(w, "condition\t%s\t%s, %s is %s, limit %s\n", c.Name, state, c.Metric, inUnit(c.Metric, c.Value), inUnit(c.Metric, c.Limit))
	}
	for _, q := range r.Requests {
		fmt.Fprintf(w, "request\t%d\t%s %s from %s by %s, %s, %d bytes\n", q.ID, q.Method, q.Path, q.Client, dash(q.Member), q.Age.Round(time.Millisecond), q.Bytes)
	}
}

func (r Report) printLogs(w io.Writer) {
	for _, l := range r.Logs {
		fmt.Fprintf(w, "log\t%s\t%s %s, lines in %d = written %d + suppressed %d + dropped %d + queued %d, %d archives\n", l.Name, dash(l.Level), config.Size(l.Size),
			l.In.Lines, l.Written.Lines, l.Suppressed.Lines, l.Dropped.Lines, l.Queued.Lines, l.Archives)
		if l.Trouble != "" {
			fmt.Fprintf(w, "\ttrouble\t%s\n", l.Trouble)
		}
		if !l.Next.IsZero() {
			fmt.Fprintf(w, "\tturns at\t%s\n", l.Next.Format(time.RFC3339))
		}
	}
}

func (r Report) printOffice(w io.Writer) {
	for _, p := range r.Pager.Receivers {
		state := "up"
		if p.Down {
			state = "DOWN: " + p.Error
		}
		fmt.Fprintf(w, "pager\t%s\t%s %s, %d sent, %d waiting\n", p.Name, p.Kind, state, p.Sent, p.Waiting)
	}
	for _, i := range r.Incidents {
		fmt.Fprintf(w, "INCIDENT\t%s\t%s since %s: %s. %s\n", i.Key, i.Severity, i.Since.Format(time.TimeOnly), i.Text, i.Do)
	}
}

// inUnit is a figure in the unit of its metric.
func inUnit(metric string, v float64) string {
	switch {
	case strings.HasSuffix(metric, "_share"), metric == "child.cpu":
		return fmt.Sprintf("%.2g%%", v)
	case metric == "child.rss", metric == "host.mem_available", metric == "disk.free":
		return config.Size(v).String()
	case metric == "host.swap_in":
		return config.Size(v).String() + "/s"
	default:
		return fmt.Sprintf("%.4g", v)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// since is the time from t until now, in full seconds; "-" for no time.
func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return config.Duration(time.Since(t).Round(time.Second)).String()
}

// urlOf is an address as a browser takes it.
func urlOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return "http://" + probeHost(tcp) + "/"
	}
	return a.Network() + ":" + a.String()
}

// drawScreen keeps the live line of a terminal true, once a second.
func (h *house) drawScreen(ctx context.Context) error {
	if !h.screen.tty {
		return nil
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		c := h.sup.Status()
		var done uint64
		if h.boards != nil {
			done, _ = h.boards.progress(c.Life)
		}
		ready := "ready"
		if !c.Ready {
			ready = "not ready"
		}
		h.screen.live(fmt.Sprintf("[%s, %s] life %d pid %d · %d requests done, %d in flight · %d restarts · Ctrl-C stops",
			c.State, ready, c.Life, c.PID, done, len(h.inFlight(c.Life)), c.Restarts))
	}
}
