package pager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reeveproxy/reeve/internal/event"
)

// wire is an in-memory transport that answers by host and keeps what came.
type wire struct {
	mu     sync.Mutex
	answer map[string]func(*http.Request) (*http.Response, error)
	got    []posted
}

type posted struct {
	host, path string
	at         time.Time
	body       string
	header     http.Header
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.got = append(w.got, posted{r.URL.Host, r.URL.Path, time.Now(), string(body), r.Header})
	answer := w.answer[r.URL.Host]
	w.mu.Unlock()
	if answer == nil {
		return reply(200, ""), nil
	}
	return answer(r)
}

func (w *wire) to(host string) (out []posted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.got {
		if p.host == host {
			out = append(out, p)
		}
	}
	return out
}

func (w *wire) set(host string, f func(*http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer == nil {
		w.answer = map[string]func(*http.Request) (*http.Response, error){}
	}
	w.answer[host] = f
}

func reply(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func always(code int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return reply(code, body), nil }
}

func down(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

// house is a pager with all around it.
type house struct {
	hub    *event.Hub
	wire   *wire
	events *event.Recorder
	pager  *Pager
	done   chan error // Run's result
}

// open starts a pager inside a synctest bubble or outside of one.
func open(t *testing.T, o Options) *house {
	t.Helper()
	h := &house{hub: &event.Hub{}, wire: &wire{}, events: &event.Recorder{}, done: make(chan error, 1)}
	if o.Transport == nil {
		o.Transport = h.wire
	} else if w, ok := o.Transport.(*wire); ok {
		h.wire = w
	}
	o.Service, o.Host, o.Events = "shop", "h1", h.events
	var err error
	if h.pager, err = New(o); err != nil {
		t.Fatal(err)
	}
	go func() { h.done <- h.pager.Run(context.Background(), h.hub.Cursor()) }()
	return h
}

func (h *house) close(t *testing.T) {
	t.Helper()
	h.hub.Close()
	if err := <-h.done; err != nil {
		t.Error(err)
	}
}

func hook(name string) ReceiverConfig {
	return ReceiverConfig{Name: name, Kind: KindWebhook, URL: "http://" + name + ".test/in"}
}

func pageOf(t *testing.T, p posted) Page {
	t.Helper()
	var page Page
	if err := json.Unmarshal([]byte(p.body), &page); err != nil {
		t.Fatalf("%v: %s", err, p.body)
	}
	return page
}

func TestWebhookHearsOpenReminderAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{
			Config:   Config{Receivers: []ReceiverConfig{hook("ops")}},
			Evidence: func() map[string]string { return map[string]string{"last_line": "no space"} },
		})
		begin := time.Now()
		h.hub.Emit(event.DiskFull{Log: "stderr", Path: "/var/log", Policy: "spill"})
		synctest.Wait()
		h.hub.Emit(event.DiskFull{Log: "stderr", Path: "/var/log", Policy: "drop"})
		synctest.Wait()
		got := h.wire.to("ops.test")
		if len(got) != 1 {
			t.Fatalf("%d posts, want 1: two events are one incident", len(got))
		}
		p := pageOf(t, got[0])
		if p.Key != "reeve/h1/shop/disk_full//var/log" || p.State != Firing || p.Severity != "critical" || p.Count != 1 ||
			p.Facts["policy"] != "spill" || p.Evidence["last_line"] != "no space" || p.Do == "" || !p.Lasting {
			t.Errorf("page %+v", p)
		}
		time.Sleep(half - time.Millisecond)
		synctest.Wait()
		if n := len(h.wire.to("ops.test")); n != 1 {
			t.Errorf("%d posts before the repeat time", n)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		got = h.wire.to("ops.test")
		if len(got) != 2 || got[1].at.Sub(begin) != half {
			t.Fatalf("reminder: %d posts", len(got))
		}
		if p := pageOf(t, got[1]); p.Count != 2 || p.Facts["policy"] != "drop" || p.Evidence["last_line"] != "no space" {
			t.Errorf("the reminder is not up to date: %+v", p)
		}
		h.hub.Emit(event.DiskRecovered{Path: "/var/log"})
		synctest.Wait()
		got = h.wire.to("ops.test")
		if p := pageOf(t, got[len(got)-1]); len(got) != 3 || p.State != Resolved || p.By != "disk_recovered" || p.Until.IsZero() {
			t.Errorf("end: %d posts, %+v", len(got), p)
		}
		if s := h.pager.Status(); len(s.Incidents) != 0 || s.Receivers[0].Sent != 3 || s.Receivers[0].Waiting != 0 {
			t.Errorf("status %+v", s)
		}
		h.close(t)
	})
}

func TestRetryBacksOffTellsOnceAndDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		w.set("dead.test", down)
		h := open(t, Options{Transport: w, Config: Config{Receivers: []ReceiverConfig{hook("dead"), hook("ops")}}})
		begin := time.Now()
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		synctest.Wait()
		if n := len(w.to("ops.test")); n != 1 {
			t.Errorf("the living receiver got %d posts, want 1 at once", n)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		tries := w.to("dead.test")
		for i := 1; i < len(tries); i++ {
			gap, most := tries[i].at.Sub(tries[i-1].at), min(time.Minute, time.Second<<(i-1))
			if gap > most || gap < most*8/10 {
				t.Errorf("wait %d is %s, want %s to %s", i, gap, most*8/10, most)
			}
		}
		if len(tries) < 12 || len(tries) > 20 {
			t.Errorf("%d tries in 10 minutes", len(tries))
		}
		if failed := event.Of[event.PageFailed](h.events); len(failed) != 1 || failed[0].Receiver != "dead" || failed[0].Spooled != 1 {
			t.Errorf("told %+v, want one", failed)
		}
		if s := h.pager.Status().Receivers[0]; !s.Down || s.Waiting != 1 || !strings.Contains(s.Error, "connection refused") {
			t.Errorf("status %+v", s)
		}
		w.set("dead.test", nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		sent := event.Of[event.PageSent](h.events)
		if len(sent) != 2 || sent[1].Receiver != "dead" || sent[1].Attempts != len(tries)+1 {
			t.Errorf("sent %+v after %d tries", sent, len(tries))
		}
		last := w.to("dead.test")
		if p := pageOf(t, last[len(last)-1]); !p.Since.Equal(begin) {
			t.Errorf("since %s, want the time of the event %s", p.Since, begin)
		}
		h.close(t)
	})
}

func TestOneOutageHidesOpenAndEndInOnePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		w.set("ops.test", down)
		h := open(t, Options{Transport: w, Config: Config{Receivers: []ReceiverConfig{hook("ops")}}})
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		synctest.Wait()
		h.hub.Emit(event.PoolServing{Pool: "a"})
		synctest.Wait()
		before := len(w.to("ops.test"))
		w.set("ops.test", nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		got := w.to("ops.test")
		if len(got) != before+1 || pageOf(t, got[before]).State != Resolved {
			t.Errorf("%d posts after the outage", len(got)-before)
		}
		h.close(t)
	})
}

func TestAnswersThatAreFinalAndThoseThatAreNot(t *testing.T) {
	for _, tt := range []struct {
		code  int
		retry bool
	}{{400, false}, {401, false}, {404, false}, {302, false}, {408, true}, {429, true}, {500, true}, {503, true}} {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{}
				w.set("ops.test", always(tt.code, "go away"))
				h := open(t, Options{Transport: w, Config: Config{Receivers: []ReceiverConfig{hook("ops")}}})
				h.hub.Emit(event.PoolEmpty{Pool: "a"})
				time.Sleep(5 * time.Second)
				synctest.Wait()
				dropped := event.Of[event.PageDropped](h.events)
				if n := len(w.to("ops.test")); tt.retry != (n > 1) || tt.retry != (len(dropped) == 0) {
					t.Errorf("%d tries, dropped %+v", n, dropped)
				}
				if !tt.retry && !strings.Contains(dropped[0].Reason, fmt.Sprintf("HTTP %d", tt.code)) {
					t.Errorf("reason %q", dropped[0].Reason)
				}
				h.close(t)
			})
		})
	}
}

func TestRetryAfterIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		w.set("ops.test", func(*http.Request) (*http.Response, error) {
			r := reply(429, "")
			r.Header.Set("Retry-After", "30")
			return r, nil
		})
		h := open(t, Options{Transport: w, Config: Config{Receivers: []ReceiverConfig{hook("ops")}}})
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if n := len(w.to("ops.test")); n != 1 {
			t.Errorf("%d tries within the named wait", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(w.to("ops.test")); n != 2 {
			t.Errorf("%d tries after it", n)
		}
		h.close(t)
	})
}

func TestMinSeverity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := hook("boss")
		rc.MinSeverity = "critical"
		h := open(t, Options{Config: Config{Receivers: []ReceiverConfig{rc}}})
		h.hub.Emit(event.DiskLow{Path: "/"})
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		synctest.Wait()
		if got := h.wire.to("boss.test"); len(got) != 1 || pageOf(t, got[0]).Kind != "pool_empty" {
			t.Errorf("%d posts", len(got))
		}
		h.close(t)
	})
}

func TestTemplateAndHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := hook("chat")
		rc.Template = `{"text":{{json (printf "%s: %s" .State .Summary)}}}`
		rc.Headers = map[string]string{"Authorization": "Bearer s3cret-token"}
		h := open(t, Options{Config: Config{Receivers: []ReceiverConfig{rc}}})
		h.hub.Emit(event.PoolEmpty{Pool: "a\"b"})
		synctest.Wait()
		got := h.wire.to("chat.test")
		const want = `{"text":"firing: shop a\"b: no member of a pool can take a request"}`
		if len(got) != 1 || got[0].body != want || got[0].header.Get("Authorization") != "Bearer s3cret-token" ||
			got[0].header.Get("Content-Type") != "application/json" {
			t.Errorf("%+v", got)
		}
		h.close(t)
	})
}

func TestAlertmanagerIsKeptUpToDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{Config: Config{Receivers: []ReceiverConfig{{Name: "am", Kind: KindAlertmanager, URL: "http://am.test/base"}}}})
		h.hub.Emit(event.PoolEmpty{Pool: "a"})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		got := h.wire.to("am.test")
		if len(got) < 10 || len(got) > 12 {
			t.Errorf("%d posts in 10 minutes, want one a minute", len(got))
		}
		for _, p := range got {
			var alerts []alert
			if err := json.Unmarshal([]byte(p.body), &alerts); err != nil || len(alerts) != 1 {
				t.Fatalf("%v: %s", err, p.body)
			}
			if d := alerts[0].EndsAt.Sub(p.at); d != 4*half || p.path != "/base/api/v2/alerts" {
				t.Errorf("ends %s after %s", d, p.path)
			}
		}
		if n := len(event.Of[event.PageSent](h.events)); n != 1 {
			t.Errorf("%d page_sent, want 1: keeping an alert alive is no news", n)
		}
		h.close(t)
	})
}
