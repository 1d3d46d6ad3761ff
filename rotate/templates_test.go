package rotate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCollapse(t *testing.T) {
	for line, want := range map[string]string{
		"":                                  "",
		"Callback called exit at line 123.": "Callback called exit at line #.",
		"2026/11/22 03:18:52 [error] 4711#4711: *99 connect() failed (111: Connection refused), client: 10.0.0.7, upstream: \"http://10.1.2.3:8080/a?b\"": "#/#/# #:#:# [error] ###: *# connect() failed (#: Connection refused), client: <ip>, upstream: \"*\"",
		"2026-11-22T03:18:52.123456Z worker12 done":     "#-#-#T#:#:#.#Z worker# done",
		"id 123e4567-e89b-12d3-a456-426614174000 gone":  "id <uuid> gone",
		"id 123e4567-e89b-12d3-a456-4266141740001 gone": "id #-e#b-#d#-a#-# gone",
		"at 0x7ffe12ab and deadbeef1 and cafe":          "at # and # and cafe",
		"from 192.168.1.20:443 to 2001:db8::1: refused": "from <ip>:# to <ip>: refused",
		"[::1]:8080 and 1:2:3:4:5:6:7:8":                "[<ip>]:# and <ip>",
		"aa:bb:cc:dd:ee:ff at 12:30:59":                 "aa:bb:cc:dd:ee:ff at #:#:#",
		"can't open 'a b', isn't 'c'":                   "can't open '*', isn't '*'",
		"an \"open quote":                               "an \"open quote",
		`say "a \" b" twice`:                            `say "*" twice`,
		`{"ts":"2026","msg":"upstream 7 gone","ms":12}`: `{"ts":"*","msg":"upstream # gone","ms":#}`,
		`level=error msg="no route 12" path="/x"`:       `level=error msg="no route #" path="*"`,
		"std::vector::at":                               "std::vector::at",
		strings.Repeat("x", 500):                        strings.Repeat("x", templateCap),
	} {
		if got := string(collapse(make([]byte, 0, templateCap), []byte(line), true)); got != want {
			t.Errorf("%.80q\n got %q\nwant %q", line, got, want)
		}
	}
}

func TestTemplatesTop(t *testing.T) {
	c := NewTemplates()
	for i := range 900 {
		c.Observe(fmt.Appendf(nil, "callback %d called exit\n", i))
	}
	for i := range 100 {
		c.Observe(fmt.Appendf(nil, "request from 10.0.0.%d\r\n", i))
	}
	top := c.Top(5)
	if len(top) != 2 || top[0].Lines != 900 || top[0].Share != 0.9 || top[0].Template != "callback # called exit" || top[0].Sample != "callback 0 called exit" {
		t.Errorf("top %+v", top)
	}
	if top[1].Sample != "request from 10.0.0.0" {
		t.Errorf("second %+v", top[1])
	}
	if c.Share() != 0.9 || c.Lines() != 1000 {
		t.Errorf("share %v of %d", c.Share(), c.Lines())
	}
	c.Reset()
	if c.Share() != 0 || c.Lines() != 0 || len(c.Top(5)) != 0 {
		t.Error("Reset left something")
	}
}

func TestTemplatesJoinsChunks(t *testing.T) {
	text := []byte("one 1\n\ntwo two two\nthree 333\n" + strings.Repeat("long ", 2000) + "\nend without newline")
	for size := 1; size < 70; size++ {
		c := NewTemplates()
		for rest := text; len(rest) > 0; {
			n := min(size, len(rest))
			c.Observe(rest[:n])
			rest = rest[n:]
		}
		if c.Lines() != 5 || len(c.Top(10)) != 5 {
			t.Fatalf("chunks of %d: %d lines, %+v", size, c.Lines(), c.Top(10))
		}
		c.Observe([]byte("\n"))
		if c.Lines() != 6 {
			t.Fatalf("chunks of %d: %d lines after the last newline", size, c.Lines())
		}
	}
}

func TestTemplatesSampleTakesWholeLines(t *testing.T) {
	c := NewTemplates()
	c.Observe([]byte("a torn beginning"))
	c.Sample([]byte("one\ntwo\nthree\n"), 9)
	if c.Lines() != 2 {
		t.Errorf("%d lines of 9 bytes", c.Lines())
	}
	c.Sample([]byte("one\n"), -1)
	c.Sample(nil, 9)
	c.Sample([]byte("no newline"), 99)
	if c.Lines() != 2 {
		t.Errorf("%d lines", c.Lines())
	}
}

// Half of the lines are one template among a hundred thousand others.
func TestTemplatesFindsTheHeavyOneInNoise(t *testing.T) {
	c := NewTemplates()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 100_000 {
		c.Observe(fmt.Appendf(nil, "noise %s\n", word(i)))
		c.Observe(fmt.Appendf(nil, "the culprit said %d\n", r.Uint32()))
	}
	top := c.Top(1)
	if top[0].Template != "the culprit said #" || top[0].Lines < 99_000 || top[0].Lines > 100_000 {
		t.Errorf("top %+v", top)
	}
	checkTemplates(t, c)
}

// word spells a number in letters, so that it is no number in a template.
func word(n int) string {
	b := []byte("gggggg")
	for i := range b {
		b[i] += byte(n % 20)
		n /= 20
	}
	return string(b)
}

func checkTemplates(t *testing.T, c *Templates) {
	t.Helper()
	var sum uint64
	for at := range c.used {
		sum += c.counts[at]
		if c.slots[at].inherited >= c.counts[at] {
			t.Fatalf("slot %d: %d inherited of %d", at, c.slots[at].inherited, c.counts[at])
		}
		if got, ok := c.index.find(c.slots[at].hash, &c.slots); !ok || got != at {
			t.Fatalf("slot %d is not found by its hash", at)
		}
	}
	if sum != c.lines {
		t.Fatalf("counts add up to %d of %d lines", sum, c.lines)
	}
}

func TestTemplatesShowNothingThatHarmsATerminal(t *testing.T) {
	c := NewTemplates()
	c.Observe([]byte("a\x1b[2Jb\tc\xff\u202e\u0085" + strings.Repeat("\x00", 300) + "\n"))
	top := c.Top(1)[0]
	for _, s := range []string{top.Sample, top.Template} {
		if !strings.HasPrefix(s, `a\x1b[2Jb\x09c\xff\xe2\x80\xae\xc2\x85\x00`) && !strings.HasPrefix(s, `a\x1b[#Jb\x09c\xff\xe2\x80\xae\xc2\x85\x00`) {
			t.Errorf("shown: %s", s)
		}
		if len(s) > sampleCap {
			t.Errorf("%d bytes", len(s))
		}
	}
}

func TestTemplatesAllocateNothing(t *testing.T) {
	c := NewTemplates()
	chunk := noise(2000)
	if n := testing.AllocsPerRun(20, func() { c.Observe(chunk) }); n != 0 {
		t.Errorf("%v allocations for 2000 lines of as many templates", n)
	}
}

func noise(lines int) []byte {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "2026/11/22 03:18:52 [error] 12#12: *%d upstream %s timed out (110: Connection timed out), client: 10.0.0.%d, request: \"GET /x/%d HTTP/1.1\"\n", i, word(i), i%250, i)
	}
	return b.Bytes()
}

func BenchmarkTemplates(b *testing.B) {
	same := bytes.Repeat([]byte("[error] Callback called exit at /srv/app/handler.pl line 42, <STDIN> line 7, client 10.0.0.1, request 4711 of the worker in the pool\n"), 1000)
	alike := bytes.Buffer{}
	for i := range 1000 {
		fmt.Fprintf(&alike, "[error] Callback called exit at /srv/app/handler.pl line 42, <STDIN> line 7, client 10.0.0.%d, request %d of the worker in the pool\n", i%250, i)
	}
	for _, c := range []struct {
		name  string
		chunk []byte
	}{{"same", same}, {"alike", alike.Bytes()}, {"different", noise(1000)}} {
		b.Run(c.name, func(b *testing.B) {
			t := NewTemplates()
			b.SetBytes(int64(len(c.chunk)))
			b.ReportAllocs()
			for b.Loop() {
				t.Observe(c.chunk)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/line")
		})
	}
}

func FuzzTemplates(f *testing.F) {
	f.Add([]byte("one 1\ntwo 2\n"), 3)
	f.Add([]byte("\"a\\"), 1)
	f.Add([]byte("'::1' 1.2.3.4 :: \"\":\"\" msg=\"\\\"\n\r\n"), 2)
	f.Add(bytes.Repeat([]byte{'x'}, 5000), 4096)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		c := NewTemplates()
		size = max(size, 1)
		for rest := text; len(rest) > 0; {
			n := min(size, len(rest))
			c.Observe(rest[:n])
			rest = rest[n:]
		}
		if want := uint64(bytes.Count(text, []byte{'\n'})); c.Lines() != want {
			t.Fatalf("%d lines, want %d", c.Lines(), want)
		}
		checkTemplates(t, c)
		var sum uint64
		for _, l := range c.Top(templateSlots) {
			sum += l.Lines
			if len(l.Template) > sampleCap || len(l.Sample) > sampleCap {
				t.Fatal("too long")
			}
		}
		if sum > c.Lines() {
			t.Fatalf("%d of %d lines told", sum, c.Lines())
		}
	})
}
