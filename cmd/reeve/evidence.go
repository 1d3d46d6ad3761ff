package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/scoreboard"
)

// The bounds of what a page carries: enough to begin with, small enough for a
// telephone.
const (
	evidenceLines    = 20
	evidenceRequests = 5
)

// evidence is what a page that opens carries beside its event.
func (h *house) evidence() map[string]string {
	out := map[string]string{}
	c := h.sup.Status()
	out["child"] = fmt.Sprintf("%s, life %d, pid %d, %d restarts, %d failures in a row", c.State, c.Life, c.PID, c.Restarts, c.Failures)
	if c.LastExit != "" {
		out["last_exit"] = c.LastExit
	}
	if lines := h.talk.words.Lines(evidenceLines); len(lines) > 0 {
		out["last_words"] = strings.Join(lines, "\n")
	}
	if oldest := oldestRequests(h.inFlight(c.Life)); oldest != "" {
		out["oldest_requests"] = oldest
	}
	out["look"] = "reeve status; reeve events"
	return out
}

// oldestRequests names the requests that have been in flight for longest.
func oldestRequests(all []scoreboard.Request) string {
	slices.SortFunc(all, func(a, b scoreboard.Request) int { return cmp.Compare(b.Age, a.Age) })
	var lines []string
	for _, q := range all[:min(len(all), evidenceRequests)] {
		lines = append(lines, fmt.Sprintf("%d %s %s by %s, %s", q.ID, q.Method, q.Path, dash(q.Member), q.Age.Round(time.Millisecond)))
	}
	return strings.Join(lines, "\n")
}
