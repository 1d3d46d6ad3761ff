package status

import (
	"io"
	"net/http"
	"strings"
)

// Healthz answers 200 while reeve itself lives: restarting reeve does not help
// a sick child.
func (f *Fold) Healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "alive")
	})
}

// Readyz answers 200 while Ready, else 503 with the reason in one line.
func (f *Fold) Readyz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if ready, why := f.ready(); !ready {
			answer(w, http.StatusServiceUnavailable, why)
			return
		}
		answer(w, http.StatusOK, "ready")
	})
}

func answer(w http.ResponseWriter, code int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// A client that went away is its own business.
	_, _ = io.WriteString(w, oneLine.Replace(line)+"\n")
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ")
