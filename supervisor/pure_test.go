package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
	"github.com/reeveproxy/reeve/internal/scoreboard"
)

func TestBackoffWait(t *testing.T) {
	b := config.Default[Backoff]()
	want := []string{"500ms", "1s", "2s", "4s", "8s", "16s", "30s", "30s"}
	for i, w := range want {
		if got := b.Wait(i+1, 0).String(); got != w {
			t.Errorf("failure %d: %s, want %s", i+1, got, w)
		}
	}
	if got := b.Wait(1, 0.5); got != 525*time.Millisecond {
		t.Errorf("half the jitter: %s, want 525ms", got)
	}
	for _, n := range []int{-1, 0, 100, 1 << 40} {
		if got := b.Wait(n, 0.999999); got < 500*time.Millisecond || got > 33*time.Second {
			t.Errorf("failure %d: %s", n, got)
		}
	}
}

func TestConfigDefaultsAreValid(t *testing.T) {
	if err := config.Default[Config]().Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigProblems(t *testing.T) {
	for _, c := range []struct {
		key    string
		change func(*Config)
	}{
		{"stop_signal", func(c *Config) { c.StopSignal = "TREM" }},
		{"give_up_after", func(c *Config) { c.GiveUpAfter = 5 }},
		{"backoff.factor", func(c *Config) { c.Backoff.Factor = 0.5 }},
		{"backoff.jitter", func(c *Config) { c.Backoff.Jitter = 2 }},
		{"backoff.max", func(c *Config) { c.Backoff.Max = 1 }},
	} {
		cfg := config.Default[Config]()
		c.change(&cfg)
		got := config.List(cfg.Validate())
		if len(got) != 1 || got[0].Key != c.key {
			t.Errorf("%s: problems %+v", c.key, got)
		}
		if _, err := New(Options{Config: cfg, Argv: []string{"x"}}); err == nil {
			t.Errorf("%s: New took it", c.key)
		}
	}
}

func TestParseSignal(t *testing.T) {
	for text, want := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "sigquit": syscall.SIGQUIT, " Winch ": syscall.SIGWINCH} {
		if got, err := ParseSignal(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "SIG", "9", "TERM QUIT"} {
		if got, err := ParseSignal(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestExitTexts(t *testing.T) {
	for want, x := range map[string]Exit{
		"exit 0 0":                      {},
		"exit 3 3":                      {Code: 3},
		"signal KILL 137":               {Signal: syscall.SIGKILL},
		"signal SEGV (core dumped) 139": {Signal: syscall.SIGSEGV, Core: true},
		"signal signal 40 168":          {Signal: 40},
	} {
		if got := fmt.Sprintf("%s %d", x, x.Shell()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLastWords(t *testing.T) {
	w := NewLastWords(16)
	if got := w.Lines(5); got != nil {
		t.Errorf("before any: %q", got)
	}
	for _, c := range []struct {
		write string
		want  []string
	}{
		{"one\n", []string{"one"}},
		{"two\nthr", []string{"one", "two", "thr"}},
		{"ee\n", []string{"one", "two", "three"}},
		{"four\n", []string{"two", "three", "four"}},
		{"a line that is longer than all\n", []string{"longer than all"}},
		{"x", []string{"x"}},
		{"0123456789abcdef", []string{"0123456789abcdef"}},
		{"\n\n\n", []string{"3456789abcdef"}},
	} {
		if n, err := w.Write([]byte(c.write)); n != len(c.write) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
		if got := w.Lines(10); !slices.Equal(got, c.want) {
			t.Errorf("after %q: %q, want %q", c.write, got, c.want)
		}
	}
	if got := new(LastWords).Lines(3); got != nil {
		t.Errorf("zero value: %q", got)
	}
}

// Whatever the pieces, the end of what was written is what is kept.
func TestLastWordsKeepTheEnd(t *testing.T) {
	var all strings.Builder
	w := NewLastWords(64)
	for i := range 500 {
		piece := strings.Repeat(string(rune('a'+i%26)), i%90)
		all.WriteString(piece)
		w.Write([]byte(piece))
		text := all.String()
		want := text[max(0, len(text)-64):]
		if got := strings.Join(w.Lines(1), ""); got != want {
			t.Fatalf("after %d pieces: %q, want %q", i, got, want)
		}
	}
}

// A life that says nothing has no last words, whatever the one before it said.
func TestLastWordsAreOfOneLife(t *testing.T) {
	w := NewLastWords(16)
	w.Write([]byte("of life 1\n"))
	w.Turn()
	if got := w.LifeLines(5); got != nil {
		t.Errorf("a silent life: %q", got)
	}
	for _, c := range []struct {
		write string
		want  []string
	}{
		{"of two\n", []string{"of two"}},
		{"and\n", []string{"of two", "and"}},
		{"much more\n", []string{"and", "much more"}},
		{"a line that is longer than all\n", []string{"longer than all"}},
	} {
		w.Write([]byte(c.write))
		if got := w.LifeLines(5); !slices.Equal(got, c.want) {
			t.Errorf("after %q: %q, want %q", c.write, got, c.want)
		}
	}
	w.Turn()
	w.Write([]byte("three\n"))
	if got := w.LifeLines(5); !slices.Equal(got, []string{"three"}) {
		t.Errorf("after a ring that wrapped: %q", got)
	}
	if got := w.Lines(1); !slices.Equal(got, []string{"three"}) {
		t.Errorf("of all lives: %q", got)
	}
}

// Events keep last words for as long as the timeline does, and there may be
// thousands: a line must not hold on to all that was written around it.
func TestLastWordsHoldOnlyThemselves(t *testing.T) {
	w := NewLastWords(64 << 10)
	w.Write(bytes.Repeat([]byte("a line\n"), 10_000))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var kept []string
	for range 500 {
		kept = append(kept, w.Lines(1)...)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes are held by %d lines of 6 bytes", grown, len(kept))
	}
	runtime.KeepAlive(kept)
}

func BenchmarkLastWords(b *testing.B) {
	w := NewLastWords(0)
	chunk := make([]byte, 64<<10)
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		w.Write(chunk)
	}
}

func TestParseNotice(t *testing.T) {
	for text, want := range map[string]notice{
		"READY=1":                     {ready: true},
		"READY=0":                     {},
		"READY=1\nSTATUS=ok\n":        {ready: true, status: "ok", hasStatus: true},
		"STATUS=":                     {hasStatus: true},
		"STATUS=a\x1b[31m\x00b\u0085": {status: "a[31mb", hasStatus: true},
		"STATUS=\xff":                 {status: "\uFFFD", hasStatus: true},
		"WATCHDOG=1":                  {beat: true},
		"WATCHDOG=trigger":            {trigger: true},
		"EXTEND_TIMEOUT_USEC=1500000": {extend: 1500 * time.Millisecond},
		"EXTEND_TIMEOUT_USEC=-1":      {},
		"EXTEND_TIMEOUT_USEC=9223372036854775807": {},
		"STOPPING=1\nRELOADING=1\nBARRIER=1":      {stopping: true, reloading: true, barrier: true},
		"MAINPID=1":                               {},
		"junk\nREADY=1":                           {ready: true},
	} {
		if got, ok := parseNotice([]byte(text)); !ok || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "junk", "\n\n", "=1"} {
		if got, ok := parseNotice([]byte(text)); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func FuzzParseNotice(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=x\nEXTEND_TIMEOUT_USEC=5\nWATCHDOG=1"))
	f.Add([]byte("STATUS=" + strings.Repeat("é", 400)))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, ok := parseNotice(text)
		if !ok && n != (notice{}) {
			t.Errorf("no message says %+v", n)
		}
		if len(n.status) > maxStatus || !utf8.ValidString(n.status) || strings.ContainsFunc(n.status, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("status %q", n.status)
		}
		if n.extend < 0 {
			t.Errorf("extends by %s", n.extend)
		}
	})
}

func TestShimEnv(t *testing.T) {
	got := shimEnv([]string{"A=1", "LISTEN_PID=0", "REEVE_EXEC_FD=7", "WATCHDOG_PID=", "REEVE_EXEC_PARENT=1", "LISTEN_FDS=2"}, 42)
	want := []string{"A=1", "LISTEN_PID=42", "WATCHDOG_PID=42", "LISTEN_FDS=2"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A program that exists and cannot be run is told from one that is absent.
func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	for p, mode := range map[string]fs.FileMode{"1/plain": 0o644, "2/plain": 0o644, "1/both": 0o644, "2/both": 0o755} {
		p = filepath.Join(dir, p)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, nil, mode)); err != nil {
			t.Fatal(err)
		}
	}
	path := first + ":" + second
	if got, err := lookPath("both", path); err != nil || got != filepath.Join(second, "both") {
		t.Errorf("both: %q, %v", got, err)
	}
	if _, err := lookPath("plain", path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("plain: %v", err)
	}
	if _, err := lookPath("none", path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

func TestListenConfigProblems(t *testing.T) {
	for address, bad := range map[string]bool{
		"127.0.0.1:80": false, ":8080": false, "[::1]:80": false, "localhost:http": false, "unix:/run/x": false,
		"": true, "80": true, "host:": true, "host:99999": true, "unix:x": true, "unix:/" + strings.Repeat("x", 200): true,
	} {
		if err := (ListenConfig{Address: address, Backlog: 1}).Validate(); (err != nil) != bad {
			t.Errorf("%q: %v", address, err)
		}
	}
	for name, bad := range map[string]bool{"web": false, "a:b": true, "a b": true, "é": true, strings.Repeat("x", 256): true} {
		if err := (ListenConfig{Name: name, Address: ":1"}).Validate(); (err != nil) != bad {
			t.Errorf("name %q: %v", name, err)
		}
	}
	twice := config.List(ValidateListen([]ListenConfig{{Name: "a", Address: ":1"}, {Name: "a", Address: ":1"}}))
	if len(twice) != 2 || twice[0].Key != "[1].name" || twice[1].Key != "[1].address" {
		t.Errorf("twice: %+v", twice)
	}
}

func TestPostMortemTellsAll(t *testing.T) {
	l := newLiving(Life{Number: 7, PID: 4711, Started: time.Unix(100, 0)}, nil)
	defer l.cancel()
	l.endedAt, l.exit = time.Unix(160, 0), Exit{Signal: syscall.SIGSEGV, Core: true, MaxRSS: 1 << 20}
	l.cause, l.guard, l.reason = event.CauseCondemned, "home", "3 timeouts"
	p := postMortemOf(l, "nginx", []string{"nginx"}, 2)
	p.InFlight = []scoreboard.Request{{ID: 1, Path: "/slow.cgi"}}
	dir := t.TempDir()
	path, err := p.write(dir, 5)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back PostMortem
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Uptime != "1m0s" || back.Status != "signal SEGV (core dumped)" || back.ExitCode != 139 || back.Reason != "3 timeouts" ||
		back.Guard != "home" || back.InFlight[0].Path != "/slow.cgi" || back.Failures != 2 {
		t.Errorf("%s", text)
	}
	if name := filepath.Base(path); name != "death-19700101T000240.000000Z-life-7.json" {
		t.Errorf("name %q", name)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files, want the report alone", len(entries))
	}
}
