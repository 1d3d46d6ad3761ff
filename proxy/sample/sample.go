package sample

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxSlow bounds /slow, so that a typing error does not park a request for days.
const maxSlow = time.Hour

// Member returns a handler that plays the member of that name:
//
//	/…           a page that names the member, in HTML or plain text as asked
//	/slow?ms=N   the same after N milliseconds
//	/drip        one NUL byte a second, for ever: the runaway that a proxy must end
//	/redirect    a redirect to /landed under the member's own address
//	/env         the request as the member received it
func Member(name string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { page(w, r, name) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { slow(w, r, name) })
	mux.HandleFunc("/drip", drip)
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/landed", http.StatusFound)
	})
	mux.HandleFunc("/env", env)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Member", name)
		mux.ServeHTTP(w, r)
	})
}

func page(w http.ResponseWriter, r *http.Request, name string) {
	if r.Header.Get("Accept") == "text/plain" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "%s\n", name)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>Served by member %[1]s</h1>"+
		"<p>Reload, and another member answers. See also <a href=/reeve-status>the proxy's status</a>.\n", name)
}

func slow(w http.ResponseWriter, r *http.Request, name string) {
	ms, err := strconv.Atoi(r.URL.Query().Get("ms"))
	if err != nil || ms < 0 || time.Duration(ms)*time.Millisecond > maxSlow {
		http.Error(w, fmt.Sprintf("ms=%q, want 0 to %d", r.URL.Query().Get("ms"), maxSlow.Milliseconds()), http.StatusBadRequest)
		return
	}
	t := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		page(w, r, name)
	case <-r.Context().Done():
	}
}

func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := w.Write([]byte{0}); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

func env(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "%s %s %s\nHost: %s\n", r.Method, r.RequestURI, r.Proto, r.Host)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range r.Header[name] {
			fmt.Fprintf(w, "%s: %s\n", name, v)
		}
	}
}
