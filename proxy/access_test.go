package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/reeveproxy/reeve/internal/event"
)

func sampleEntry() *entry {
	return &entry{
		start: time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.FixedZone("", 3600)), total: 12345 * time.Microsecond, member: 10 * time.Millisecond,
		id: 17, client: "192.0.2.1", method: "GET", host: "www.foo.dom", path: "/a.cgi", query: "?x=1", proto: "HTTP/1.1", status: 200, bytes: 512,
		pool: "dynamic", server: "www5", tries: 1, outcome: outcomeOK, request: headers{"User-Agent": {"curl"}}, reply: headers{"X-Member": {"www5"}},
	}
}

func TestTemplates(t *testing.T) {
	for format, want := range map[string]string{
		"delegation":                         ` 4-Mar-2026/05:06:07 192.0.2.1 -> www5 URL: /a.cgi 10.000/12.345 200 ok`,
		`%{%v/%T}t %h -> %{SERVER}e URL: %U`: ` 4-Mar-2026/05:06:07 192.0.2.1 -> www5 URL: /a.cgi`,
		"common":                             `192.0.2.1 - - [04/Mar/2026:05:06:07 +0100] "GET /a.cgi?x=1 HTTP/1.1" 200 512`,
		"combined":                           `192.0.2.1 - - [04/Mar/2026:05:06:07 +0100] "GET /a.cgi?x=1 HTTP/1.1" 200 512 "-" "curl"`,
		"json": `{"time":"2026-03-04T05:06:07.089+01:00","id":17,"client":"192.0.2.1","method":"GET","host":"www.foo.dom","path":"/a.cgi","query":"?x=1",` +
			`"proto":"HTTP/1.1","status":200,"bytes":512,"pool":"dynamic","member":"www5","tries":1,"member_ms":10.000,"total_ms":12.345,"outcome":"ok"}`,
		`%% %D %T %{ms}T %{us}T %{x-member}o %{Nope}i %v %{sec}t %{Jan 2 %Y}t`: `% 12345 0 12 12345 www5 - reeve 1772597167 Jan 2 2026`,
	} {
		tpl, err := parseTemplate(format, "reeve")
		if err != nil {
			t.Errorf("%q: %v", format, err)
			continue
		}
		if got := string(tpl.append(nil, sampleEntry())); got != want+"\n" {
			t.Errorf("%q\n got %q\nwant %q", format, got, want)
		}
	}
	for _, bad := range []string{"%", "%{", "%{x", "%{x}", "%y", "%i", "%{NOPE}e", "%{m}T", "%{%Q}t", "%{%}t", "%>"} {
		if _, err := parseTemplate(bad, ""); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestNoValueEndsALine: what clients send cannot forge a line, close a quote or
// steer a terminal.
func TestNoValueEndsALine(t *testing.T) {
	evil := "a\"\n\r\x1b[2J\\\x00\x7f\xff\u00e9\tz"
	e := sampleEntry()
	e.path, e.query, e.method, e.host, e.server, e.client = evil, evil, evil, evil, evil, evil
	e.request = headers{"User-Agent": {evil}}
	for _, format := range []string{"delegation", "common", "combined", "json", `%h %U %q %m %V %{User-Agent}i`} {
		tpl, err := parseTemplate(format, "reeve")
		if err != nil {
			t.Fatal(err)
		}
		line := tpl.append(nil, e)
		body := line[:len(line)-1]
		for _, c := range body {
			if c < ' ' || c == 0x7f {
				t.Errorf("%s: control character %#x in %q", format, c, line)
			}
		}
		if format == "combined" && bytes.Count(body, []byte(`"`))-bytes.Count(body, []byte(`\"`)) != 6 {
			t.Errorf("quotes: %q", line)
		}
		if format == "json" && !json.Valid(body) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestLineDoesNotAllocate(t *testing.T) {
	e := sampleEntry()
	log := newAccessLog(discard{}, event.Discard{})
	for _, format := range []string{"delegation", "common", "combined", "json"} {
		tpl, err := parseTemplate(format, "reeve")
		if err != nil {
			t.Fatal(err)
		}
		var buf []byte
		spare := make([]byte, 0, accessRoom)
		log.buf = make([]byte, 0, accessRoom)
		if n := testing.AllocsPerRun(1000, func() {
			buf = tpl.append(buf[:0], e)
			log.add(buf, e.start)
			if len(log.buf) > accessBatch {
				spare = log.flush(spare)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a line", format, n)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// gate is a writer that blocks until it is opened.
type gate struct {
	entered chan struct{}
	open    chan struct{}
	mu      sync.Mutex
	got     bytes.Buffer
	writes  int
}

func (g *gate) Write(p []byte) (int, error) {
	select {
	case g.entered <- struct{}{}:
	default:
	}
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writes++
	return g.got.Write(p)
}

// TestBlockedLogBlocksNobody: lines past the room are dropped, each counted.
func TestBlockedLogBlocksNobody(t *testing.T) {
	g := &gate{entered: make(chan struct{}, 1), open: make(chan struct{})} // 1: entered once is enough to know
	var events event.Recorder
	log := newAccessLog(g, &events)
	go log.run()
	line := []byte(strings.Repeat("x", 99) + "\n")
	log.add(line, time.Now())
	<-g.entered
	const n = 50_000 // 5 MB, past the room of 1 MiB
	for range n {
		log.add(line, time.Now())
	}
	lost := log.dropped()
	if lost == 0 || lost >= n {
		t.Fatalf("%d of %d lines lost", lost, n)
	}
	close(g.open)
	log.close()
	whole := strings.Count(g.got.String(), string(line))
	if uint64(whole)+lost != n+1 {
		t.Errorf("%d lines written and %d lost of %d", whole, lost, n+1)
	}
	drops := event.Of[event.LinesDropped](&events)
	if len(drops) != 1 || drops[0].Lines != lost || drops[0].Bytes != lost*100 || drops[0].Log != "access" {
		t.Errorf("events: %+v, want %d lines", drops, lost)
	}
	if !strings.Contains(g.got.String(), "# gap: ") {
		t.Error("no line says that lines are missing")
	}
	if g.writes > 4 {
		t.Errorf("%d writes for %d lines", g.writes, whole)
	}
}

type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left == 0 {
		return len(p), nil
	}
	f.left--
	return 0, errors.New("no space left")
}

// TestFailedWriteIsCounted: lines that the file refused are lost, and said so
// when it takes lines again.
func TestFailedWriteIsCounted(t *testing.T) {
	var events event.Recorder
	log := newAccessLog(&failing{left: 2}, &events)
	for range 3 {
		log.add([]byte("line\n"), time.Now())
		log.flush(nil)
	}
	if log.dropped() != 2 {
		t.Errorf("%d lost, want 2", log.dropped())
	}
	if d := event.Of[event.LinesDropped](&events); len(d) != 1 || d[0].Lines != 2 || d[0].Bytes != 10 {
		t.Errorf("events: %+v", d)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"common", "json", formatDelegation, "%{%Y-%m}t%%%{ms}T", `{"a":"%U"}`} {
		f.Add(s, "/a\n\"")
	}
	f.Fuzz(func(t *testing.T, format, path string) {
		tpl, err := parseTemplate(format, "reeve")
		if err != nil {
			return
		}
		e := sampleEntry()
		e.path = path
		line := tpl.append(nil, e)
		if line[len(line)-1] != '\n' {
			t.Fatalf("%q: %q", format, line)
		}
		if !strings.ContainsAny(format, "\n") && bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%q with %q: %q", format, path, line)
		}
		if format == "json" && (!json.Valid(line) || !utf8.Valid(line)) {
			t.Fatalf("%q: %s", path, line)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	for _, format := range []string{"delegation", "combined", "json"} {
		b.Run(format, func(b *testing.B) {
			tpl, err := parseTemplate(format, "reeve")
			if err != nil {
				b.Fatal(err)
			}
			e := sampleEntry()
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = tpl.append(buf[:0], e)
			}
		})
	}
}
