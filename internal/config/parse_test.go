package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// estate has one field of every kind that the loader knows.
type estate struct {
	Name    string            `yaml:"name" default:"manor" doc:"What it is called."`
	Period  Duration          `yaml:"period" default:"10s" doc:"How often." min:"100ms" max:"1h"`
	Cap     Size              `yaml:"cap" default:"64MiB" doc:"How much." max:"1GiB"`
	Count   int               `yaml:"count" default:"3" doc:"How many." min:"1" max:"10"`
	Small   uint8             `yaml:"small" doc:"A byte."`
	Share   float64           `yaml:"share" default:"0.5" doc:"A share." min:"0" max:"1"`
	On      bool              `yaml:"on" default:"true" doc:"Whether."`
	Mode    string            `yaml:"mode" default:"fast" enum:"fast, slow" doc:"Which."`
	Token   string            `yaml:"token" secret:"true" doc:"Only for us."`
	Pin     Duration          `yaml:"pin" secret:"true" doc:"Secret time."`
	Tags    []string          `yaml:"tags" doc:"Words."`
	Verbs   []string          `yaml:"verbs" default:"[GET, HEAD]" enum:"GET,HEAD,POST" doc:"Methods."`
	Labels  map[string]string `yaml:"labels" doc:"Names and values."`
	Inner   inner             `yaml:"inner" doc:"A section."`
	Option  *inner            `yaml:"option" doc:"A section that may be absent."`
	Limit   *Duration         `yaml:"limit" doc:"May be absent."`
	Probes  []inner           `yaml:"probes" doc:"Several."`
	Pools   map[string]inner  `yaml:"pools" doc:"By name."`
	Retry   []Duration        `yaml:"retry" doc:"Times." min:"1s"`
	Runtime func()            // not the file's
}

type inner struct {
	URL    string   `yaml:"url" doc:"Where."`
	Period Duration `yaml:"period" default:"5s" doc:"How often."`
}

func (e *estate) Validate() error {
	var p Problems
	for i, x := range e.Probes {
		if x.URL == "" {
			p.Add(Join(Index("probes", i), "url"), "is required")
		}
	}
	if e.Option != nil && e.Option.URL == "http://bad/" {
		p.Add("option.url", "cannot be %s", e.Option.URL)
	}
	if e.Name == "nowhere" {
		p.Add("missing.part", "has no place")
	}
	if e.Period.Std() > 30*time.Second && e.Count == 3 {
		p.Add("period", "period %s is too long for count %d", e.Period, e.Count)
	}
	return p.Err()
}

func TestParseAcceptsEveryKind(t *testing.T) {
	const file = `
name: 1.10
period: 1m
cap: 4096
count: 0x7
small: 255
share: 1e-1
on: FALSE
mode: slow
token: "hunter2"
tags: [a, 'b', 3]
verbs: [POST]
labels: {x: y, "z.w": true}
inner:
  url: |
    two
    lines
option: {url: http://x/}
limit: 90s
probes:
  - url: http://a/
    period: 1s
  - &b {url: http://b/}
  - *b
  - <<: *b
    period: 2s
pools:
  static: {url: s}
  none:
retry: [1s, 2m]
`
	var got estate
	if err := Parse("f", []byte(file), &got); err != nil {
		t.Fatal(err)
	}
	limit := Duration(90 * time.Second)
	want := estate{
		Name: "1.10", Period: Duration(time.Minute), Cap: 4096, Count: 7, Small: 255, Share: 0.1, Mode: "slow",
		Token: "hunter2", Tags: []string{"a", "b", "3"}, Verbs: []string{"POST"},
		Labels: map[string]string{"x": "y", "z.w": "true"},
		Inner:  inner{"two\nlines\n", Duration(5 * time.Second)},
		Option: &inner{"http://x/", Duration(5 * time.Second)},
		Limit:  &limit,
		Probes: []inner{{"http://a/", Duration(time.Second)}, {"http://b/", Duration(5 * time.Second)},
			{"http://b/", Duration(5 * time.Second)}, {"http://b/", Duration(2 * time.Second)}},
		Pools: map[string]inner{"static": {"s", Duration(5 * time.Second)}, "none": {"", Duration(5 * time.Second)}},
		Retry: []Duration{Duration(time.Second), Duration(2 * time.Minute)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseOfNothingIsTheDefaults(t *testing.T) {
	for _, file := range []string{"", "\n\n", "# only words\n", "---\n", "---\n...\n", "%YAML 1.2\n---\n", "null\n", "\ufeff",
		"name:\nperiod: ~\nprobes: null\ninner:\noption:\nverbs:\n", "{}"} {
		got := estate{Name: "left over", Tags: []string{"old"}}
		if err := Parse("f", []byte(file), &got); err != nil {
			t.Errorf("%q: %v", file, err)
		} else if want := Default[estate](); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want the defaults", file, got)
		}
	}
}

func TestParseProblems(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"unknown key", "perod: 1s\n", `f:1:1: perod: unknown key "perod", did you mean "period"?`},
		{"unknown key, nothing near", "inner:\n  zzzzzzzz: 1\n", `f:2:3: inner.zzzzzzzz: unknown key "zzzzzzzz", want one of period, url`},
		{"unknown key in a list", "probes:\n- url: x\n  perriod: 1s\n", `f:3:3: probes[0].perriod: unknown key "perriod", did you mean "period"?`},
		{"duplicate", "count: 1\ncount: 2\n", `f:2:1: count: duplicate key "count", first on line 1`},
		{"duplicate, quoted", "count: 1\n\"count\": 2\n", `f:2:1: count: duplicate key "count", first on line 1`},
		{"list for duration", "period: [1s]\n", `f:1:9: period: got a list, want a duration like 10s`},
		{"section for size", "cap:\n  x: 1\n", `f:2:3: cap: got a section with keys, want a size like 64MiB`},
		{"bare number", "period: 10\n", `f:1:9: period: "10" is not a duration like 10s, 1m30s or 7d`},
		{"text for number", "count: many\n", `f:1:8: count: got "many", want a whole number`},
		{"quoted number", "count: \"3\"\n", `f:1:8: count: got the text "3", want a whole number`},
		{"fraction for number", "count: 3.5\n", `f:1:8: count: got "3.5", want a whole number`},
		{"octal or not", "count: 010\n", `f:1:8: count: 010 is octal to some and decimal to others, write 0o10 or leave the zeros out`},
		{"too large", "small: 256\n", `f:1:8: small: 256 is too large`},
		{"negative", "small: -1\n", `f:1:8: small: got "-1", want a whole number from 0`},
		{"yes", "on: yes\n", `f:1:5: on: got "yes", want true or false`},
		{"not finite", "share: .inf\n", `f:1:8: share: got ".inf", want a number`},
		{"below", "period: 99ms\n", `f:1:9: period: 99ms is below 100ms, the least allowed`},
		{"above", "cap: 2GiB\n", `f:1:6: cap: 2GiB is above 1GiB, the most allowed`},
		{"element below", "retry: [1s, 10ms]\n", `f:1:13: retry[1]: 10ms is below 1s, the least allowed`},
		{"enum", "mode: fsat\n", `f:1:7: mode: got "fsat", want one of fast, slow; did you mean "fast"?`},
		{"enum of elements", "verbs: [PUT]\n", `f:1:9: verbs[0]: got "PUT", want one of GET, HEAD, POST; did you mean "GET"?`},
		{"one word for a list", "tags: a\n", `f:1:7: tags: got "a", want a list: write [a]`},
		{"list for a section", "inner: [a]\n", `f:1:8: inner: got a list, want a section with keys`},
		{"word for a map", "labels: a\n", `f:1:9: labels: got "a", want names with values`},
		{"empty element", "tags:\n  - a\n  -\n", `f:3:5: tags[1]: got nothing, want a text`},
		{"secret of a wrong kind", "pin: hunter2\n", `f:1:6: pin: the secret value is not a duration like 10s`},
		{"secret list", "token: [hunter2]\n", `f:1:8: token: got a list, want a text`},
		{"root is a list", "[a]\n", `f:1:1: got a list, want a section with keys`},
		{"root is a word", "hello\n", `f:1:1: got "hello", want a section with keys`},
		{"two documents", "count: 1\n---\ncount: 2\n", `f:3:6: a second document starts here, want one document in the file`},
		{"unknown alias", "name: *x\n", `f:1:7: alias *x has no anchor &x before it`},
		{"alias of itself", "tags: &x [*x]\n", "f:1:11: alias *x stands inside its own anchor\nf:1:11: tags[0]: got nothing, want a text"},
		{"foreign tag", "name: !ruby x\n", `f:1:7: tag "!ruby" is not understood, leave it out`},
		{"merge of a word", "<<: 5\n", `f:1:5: got a value to merge, want a section or a list of sections`},
		{"syntax", "a: b: c\n", `f:1:4: not YAML: mapping value is not allowed in this context`},
		{"tab", "inner:\n\turl: x\n", `f:2:1: not YAML: found character '	' that cannot start any token`},
		{"not closed", "tags: [a\n", `f:1:7: not YAML: sequence end token ']' not found`},
		{"other encoding", "name: \xff\xfe\n", `f:1:7: byte 0xff is not UTF-8 text`},
		{"control", "name: a\x00b\n", `f:1:8: control character 0x00`},
		{"validation, key in the file", "option:\n  url: http://bad/\n", `f:2:8: option.url: cannot be http://bad/`},
		{"validation, key absent", "probes:\n  - url: a\n  - period: 1s\n", `f:3:5: probes[1].url: is required`},
		{"validation, nothing near", "name: nowhere\n", `f: missing.part: has no place`},
		{"validation of a default", "period: 40s\n", `f:1:9: period: period 40s is too long for count 3`},
		{"validation, a consequence", "period: 40s\ncount: x\nprobes: [{ulr: 1}]\n",
			"f:1:9: period: period 40s is too long for count 3\nf:2:8: count: got \"x\", want a whole number\n" +
				"f:3:10: probes[0].url: is required\nf:3:11: probes[0].ulr: unknown key \"ulr\", did you mean \"url\"?"},
		{"all at once, by line", "perod: 1s\ncount: 99\nprobes:\n  - url: x\n    period: soon\nmode: [\"x\"]\n",
			"f:1:1: perod: unknown key \"perod\", did you mean \"period\"?\nf:2:8: count: 99 is above 10, the most allowed\n" +
				"f:5:13: probes[0].period: \"soon\" is not a duration like 10s, 1m30s or 7d\nf:6:7: mode: got a list, want a text"},
		{"crlf", "inner:\r\n  url: x\r\n  bad: 1\r\n", `f:3:3: inner.bad: unknown key "bad", want one of period, url`},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := estate{Name: "untouched"}
			got := before
			err := Parse("f", []byte(c.file), &got)
			if err == nil {
				t.Fatalf("no problem, want %s", c.want)
			}
			if err.Error() != c.want {
				t.Errorf("got\n%s\nwant\n%s", err, c.want)
			}
			if !reflect.DeepEqual(got, before) {
				t.Errorf("the target was touched: %+v", got)
			}
		})
	}
}

func TestParseNeverTellsSecrets(t *testing.T) {
	for _, file := range []string{"token: {hunter2: hunter2}\n", "pin: hunter2\n", "pin: [hunter2]\n", "pin: !x hunter2\n"} {
		var e estate
		err := Parse("f", []byte(file), &e)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	type level5 struct {
		M map[string]map[string]map[string]map[string]map[string][]string `yaml:"m"`
		A []string                                                        `yaml:"a"`
		B map[string][]string                                             `yaml:"b"`
	}
	many := func(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+", ", n), ", ") }
	numbered := func(value string) string {
		var b strings.Builder
		for i := range 20 {
			fmt.Fprintf(&b, "k%d: %s, ", i, value)
		}
		return b.String()
	}
	bomb := "m:\n  a: {a: {a: {a: {a: &a [" + many("x", 20) + "]}}}}\n" +
		"  b: {a: {a: {a: &b {" + numbered("*a") + "}}}}\n  c: {a: {a: &c {" + numbered("*b") + "}}}\n" +
		"  d: {a: &d {" + numbered("*c") + "}}\n  e: {" + numbered("*d") + "}\n"
	for _, c := range []struct{ name, file, want string }{
		{"flow", strings.Repeat("[", 100_000), "nested deeper than 100"},
		{"flow of maps", strings.Repeat("{a: ", 100_000), "nested deeper than 100"},
		{"dashes", strings.Repeat("- ", 100_000), "nested deeper than 100"},
		{"blocks", func() string {
			var b strings.Builder
			for i := range 300 {
				b.WriteString(strings.Repeat(" ", i) + "a:\n")
			}
			return b.String()
		}(), "nested deeper than 100"},
		{"bytes", "# " + strings.Repeat("x", maxBytes), "more than 524288"},
		{"aliases", bomb, "more than 500000 values with all aliases in place"},
		{"problems", "b:\n  x: [" + many("[a]", 3000) + "]\n", "more than 1000 problems"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v level5
			err := Parse("f", []byte(c.file), &v)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v, want %s", err, c.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.yaml")
	if err := os.WriteFile(good, []byte("count: 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.yaml")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	var e estate
	if err := Load(link, &e); err != nil || e.Count != 4 {
		t.Errorf("a link: count %d, %v", e.Count, err)
	}
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("\ncount: 44\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Load(bad, &e); err == nil || err.Error() != bad+":2:8: count: 44 is above 10, the most allowed" {
		t.Errorf("a bad file: %v", err)
	}
	if e.Count != 4 {
		t.Errorf("a bad file changed the configuration: count %d", e.Count)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                         "it is a folder, want a regular file",
		fifo:                        "it is a named pipe, want a regular file",
		"/dev/null":                 "it is a device, want a regular file",
		filepath.Join(dir, "none"):  "no such file or directory",
		filepath.Join(good, "file"): "not a directory",
	} {
		if err := Load(path, &e); err == nil || err.Error() != "read config "+path+": "+want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	if err := Load(filepath.Join(dir, "none"), &e); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file is not ErrNotExist: %v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"period", "timeout", "url"}
	for name, want := range map[string]string{
		"perod": "period", "period": "period", "timeuot": "timeout", "uri": "url", "xyz": "", "": "", "periodically": "", "a": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a: 1", "count: 3\nprobes:\n  - url: x\n", "a: &a [*a]", "<<: *x", "? [a]\n: b", "!!str 5", "{", "a: |\n b\n",
		"%TAG ! x\n---\n!a b", "\"\\xz\"", "- - - -", "inner: {url: 1, url: 2}", "labels: {? a, b: }", "x: >-\n\n", "*a : b", "&a : b", "<<: [{<<: {a: b}}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e estate
		err := Parse("f", data, &e)
		if err == nil {
			return
		}
		last := 0
		for _, p := range List(err) {
			if strings.Contains(p.Message, "internal error") {
				t.Errorf("%s", p.Message)
			}
			if p.Line > 0 && p.Line < last {
				t.Errorf("line %d after %d", p.Line, last)
			}
			last = p.Line
		}
	})
}
