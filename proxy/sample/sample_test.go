package sample

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func ask(t *testing.T, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	Member("m1").ServeHTTP(w, r)
	if w.Header().Get("X-Member") != "m1" {
		t.Errorf("%s does not name its member", path)
	}
	return w
}

func TestPages(t *testing.T) {
	if w := ask(t, "/any", "text/plain"); w.Body.String() != "m1\n" {
		t.Errorf("plain: %q", w.Body)
	}
	if w := ask(t, "/any", "*/*"); !strings.Contains(w.Body.String(), "Served by member m1") {
		t.Errorf("html: %q", w.Body)
	}
	if w := ask(t, "/redirect", ""); w.Code != 302 || w.Header().Get("Location") != "http://example.com/landed" {
		t.Errorf("redirect: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := ask(t, "/env?x", "a"); w.Body.String() != "GET /env?x HTTP/1.1\nHost: example.com\nAccept: a\n" {
		t.Errorf("env: %q", w.Body)
	}
	for _, ms := range []string{"", "-1", "x", "99999999999"} {
		if w := ask(t, "/slow?ms="+ms, ""); w.Code != http.StatusBadRequest {
			t.Errorf("/slow?ms=%s = %d", ms, w.Code)
		}
	}
}

func TestSlowAndDripTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ask(t, "/slow?ms=1500", "")
		if took := time.Since(begun); took != 1500*time.Millisecond {
			t.Errorf("/slow took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		w := httptest.NewRecorder()
		Member("m1").ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/drip", nil))
		if got := w.Body.String(); got != "\x00\x00\x00\x00" {
			t.Errorf("/drip sent %q in 3.5 s", got)
		}
	})
}
