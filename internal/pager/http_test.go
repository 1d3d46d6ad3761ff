package pager

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
)

// secrets are what a URL and the headers of a receiver may carry.
const (
	user, pass  = "robot-user", "hunter2-pass"
	pathToken   = "T00-path-token"
	queryToken  = "query-token-1234"
	headerToken = "Bearer header-token"
)

func noSecrets(t *testing.T, what string, v any) {
	t.Helper()
	text := fmt.Sprintf("%+v", v)
	if b, err := json.Marshal(v); err == nil {
		text += string(b)
	}
	for _, s := range []string{user, pass, pathToken, queryToken, headerToken} {
		if strings.Contains(text, s) {
			t.Errorf("%s shows %q: %s", what, s, text)
		}
	}
}

func secretURL(base string) string {
	return strings.Replace(base, "http://", "http://"+user+":"+pass+"@", 1) + "/services/" + pathToken + "?token=" + queryToken
}

// A server that echoes everything, one that is not there, and one that sends
// elsewhere: what is told about them has no secret.
func TestSecretsAreNeverTold(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintln(w, "cannot take", r.URL, r.Header.Get("Authorization"), r.Header.Get("X-Token"))
	}))
	defer echo.Close()
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, echo.URL+r.URL.String(), http.StatusTemporaryRedirect)
	}))
	defer away.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	l.Close()
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(secretURL(echo.URL)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{"X-Token": headerToken}
	c := Config{Receivers: []ReceiverConfig{
		{Name: "echo", Kind: KindWebhook, URL: secretURL(echo.URL), Headers: headers},
		{Name: "gone", Kind: KindWebhook, URL: secretURL(gone), Headers: headers},
		{Name: "away", Kind: KindWebhook, URL: secretURL(away.URL), Headers: headers},
		{Name: "file", Kind: KindWebhook, URLFile: file, Headers: headers},
		{Name: "nofile", Kind: KindWebhook, URLFile: file + ".missing"},
		{Name: "am", Kind: KindAlertmanager, URL: secretURL(gone), Headers: headers},
	}}
	h := open(t, Options{Config: c, Transport: http.DefaultTransport})
	results, err := h.pager.Test(t.Context(), "uid 0")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Error == "" || r.Receiver != c.Receivers[i].Name {
			t.Errorf("%+v: want an error", r)
		}
	}
	if !strings.Contains(results[0].Error, "HTTP 500") || !strings.Contains(results[2].Error, "HTTP 307") {
		t.Errorf("errors %q, %q", results[0].Error, results[2].Error)
	}
	noSecrets(t, "test result", results)
	h.hub.Emit(event.PoolEmpty{Pool: "a"})
	// One outage is told for each receiver; the redirect is final, so a drop.
	for _, name := range []string{"echo", "gone", "file", "nofile", "am"} {
		if _, err := event.Await(t.Context(), h.events, func(e event.PageFailed) bool { return e.Receiver == name }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := event.Await[event.PageDropped](t.Context(), h.events, nil); err != nil {
		t.Fatal(err)
	}
	noSecrets(t, "status", h.pager.Status())
	noSecrets(t, "events", h.events.Events())
	h.close(t)
}

func TestProblemsOfTheConfigurationShowNoSecret(t *testing.T) {
	for _, bad := range []string{"ftp://" + user + ":" + pass + "@h/" + pathToken, "http://[" + pathToken, "http:///" + pathToken, "%zz" + queryToken} {
		_, err := New(Options{Config: Config{Receivers: []ReceiverConfig{{Name: "a", Kind: KindWebhook, URL: bad}}}})
		if err == nil {
			t.Errorf("accepted %s", bad)
			continue
		}
		noSecrets(t, "problem", err.Error())
	}
}

func TestURLFileIsReadForEachPage(t *testing.T) {
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		paths = append(paths, r.URL.Path)
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "url")
	p, err := New(Options{Config: Config{Receivers: []ReceiverConfig{{Name: "a", Kind: KindWebhook, URLFile: file}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/old", "/new"} {
		os.WriteFile(file, []byte(s.URL+path+"\n"), 0o600)
		res, err := p.Test(t.Context(), "me")
		if err != nil || res[0].Error != "" {
			t.Fatalf("%+v %v", res, err)
		}
	}
	if fmt.Sprint(paths) != "[/old /new]" {
		t.Errorf("posted to %v", paths)
	}
}

func TestValidate(t *testing.T) {
	ok := ReceiverConfig{Name: "ops", Kind: KindWebhook, URL: "https://x.test/"}
	for _, tt := range []struct {
		name string
		edit func(*ReceiverConfig)
		key  string
	}{
		{"fine", func(*ReceiverConfig) {}, ""},
		{"no name", func(r *ReceiverConfig) { r.Name = "" }, "receivers[0].name"},
		{"name is a path", func(r *ReceiverConfig) { r.Name = "../x" }, "receivers[0].name"},
		{"kind", func(r *ReceiverConfig) { r.Kind = "smtp" }, "receivers[0].kind"},
		{"no url", func(r *ReceiverConfig) { r.URL = "" }, "receivers[0].url"},
		{"both urls", func(r *ReceiverConfig) { r.URLFile = "/x" }, "receivers[0].url"},
		{"scheme", func(r *ReceiverConfig) { r.URL = "mailto:x" }, "receivers[0].url"},
		{"command too", func(r *ReceiverConfig) { r.Command = []string{"x"} }, "receivers[0].command"},
		{"header", func(r *ReceiverConfig) { r.Headers = map[string]string{"a b": "c"} }, "receivers[0].headers"},
		{"template syntax", func(r *ReceiverConfig) { r.Template = "{{" }, "receivers[0].template"},
		{"template field", func(r *ReceiverConfig) { r.Template = "{{.Sumary}}" }, "receivers[0].template"},
		{"severity", func(r *ReceiverConfig) { r.MinSeverity = "loud" }, "receivers[0].min_severity"},
		{"no program", func(r *ReceiverConfig) { *r = ReceiverConfig{Name: "c", Kind: KindCommand} }, "receivers[0].command"},
		{"program with url", func(r *ReceiverConfig) { r.Kind, r.Command = KindCommand, []string{"x"} }, "receivers[0].kind"},
		{"alertmanager template", func(r *ReceiverConfig) { r.Kind, r.Template = KindAlertmanager, "x" }, "receivers[0].template"},
	} {
		r := ok
		tt.edit(&r)
		problems := config.List(Config{Receivers: []ReceiverConfig{r}}.Validate())
		if tt.key == "" && len(problems) > 0 || tt.key != "" && (len(problems) != 1 || problems[0].Key != tt.key) {
			t.Errorf("%s: %v, want one of %q", tt.name, problems, tt.key)
		}
	}
	twice := Config{Receivers: []ReceiverConfig{ok, ok}, Retry: RetryConfig{Initial: 2, Max: 1}}
	if p := config.List(twice.Validate()); len(p) != 2 || p[0].Key != "receivers[1].name" || p[1].Key != "retry.initial" {
		t.Errorf("%v", p)
	}
	config.Default[Config]()
	config.Default[ReceiverConfig]()
}
