package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func full() estate {
	e := Default[estate]()
	limit := Duration(90 * time.Second)
	e.Name, e.Period, e.Token = "a: b # c", Duration(time.Minute), "hunter2"
	e.Tags = []string{"1", "true", "", "a b", "-", "é\n\t\x01\u2028\"\\", "x:", "null", "[", "*a", "1e3", "0x1", ".inf"}
	e.Labels = map[string]string{"x": "y", "a b": "", "true": "false", "1": "2"}
	e.Option = &inner{"http://x/?a=b&c", 0}
	e.Limit = &limit
	e.Probes = []inner{{"u", 1}, {"", 0}}
	e.Pools = map[string]inner{"p": {"x", 1}}
	e.Retry = []Duration{Duration(time.Second), Duration(2 * time.Hour)}
	return e
}

func TestExplainIsReadBack(t *testing.T) {
	for name, want := range map[string]estate{"defaults": Default[estate](), "full": full()} {
		var out bytes.Buffer
		if err := Explain(&out, &want); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "hunter2") {
			t.Errorf("%s: a secret is told:\n%s", name, out.String())
		}
		// An empty list and an absent one mean the same.
		if want.Token != "" {
			want.Token = "***"
		}
		got := estate{}
		// Validate would refuse the probe without a url.
		type bare estate
		if err := Parse("explained", out.Bytes(), (*bare)(&got)); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out.String())
		}
		clean(&got)
		clean(&want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v\n%s", name, got, want, out.String())
		}
	}
}

func clean(e *estate) {
	if len(e.Tags) == 0 {
		e.Tags = nil
	}
	if len(e.Labels) == 0 {
		e.Labels = nil
	}
	if len(e.Probes) == 0 {
		e.Probes = nil
	}
	if len(e.Pools) == 0 {
		e.Pools = nil
	}
	if len(e.Retry) == 0 {
		e.Retry = nil
	}
}

func TestExplainText(t *testing.T) {
	type part struct {
		URL  string   `yaml:"url" doc:"Where."`
		Wait Duration `yaml:"wait" default:"5s" doc:"How long it takes, at the very most, until the thing that is waited for is given up."`
	}
	type bare struct {
		Wait *Duration `yaml:"wait" doc:"How long."`
	}
	type file struct {
		Class  string            `yaml:"class" enum:"a,b" doc:"Which."`
		Secret string            `yaml:"secret" secret:"true" doc:"Hidden."`
		Empty  string            `yaml:"empty" secret:"true"`
		Parts  []part            `yaml:"parts" doc:"Several."`
		Opt    *part             `yaml:"opt" doc:"One."`
		Env    map[string]string `yaml:"env" doc:"Words."`
		Hidden map[string]string `yaml:"hidden" secret:"true"`
		Bare   bare              `yaml:"bare" doc:"All absent."`
		Given  *bare             `yaml:"given"`
	}
	v := file{Secret: "x", Parts: []part{{"http://a/", Duration(time.Second)}, {"b", 0}}, Env: map[string]string{"B": "2", "A": "x"},
		Hidden: map[string]string{"pass": "word"}, Given: &bare{}}
	const want = `# Which.
# class:
# Hidden.
secret: "***"
empty: ""
# Several.
parts:
    # Where.
  - url: http://a/
    # How long it takes, at the very most, until the thing that is waited for is
    # given up. Default: 5s.
    wait: 1s
  - url: b
    wait: 0s
# One.
# opt:
# Words.
env:
  A: x
  B: "2"
hidden:
  pass: "***"
# All absent.
bare:
  # How long.
  # wait:
given: {}
  # How long.
  # wait:
`
	var out bytes.Buffer
	if err := Explain(&out, v); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	var back file
	if err := Parse("explained", out.Bytes(), &back); err != nil {
		t.Error(err)
	}
	if back.Given == nil {
		t.Error("an optional section without keys is not read back")
	}
}

func TestFields(t *testing.T) {
	got := Fields(estate{})
	for _, want := range []Field{
		{"name", "text", "manor", "What it is called."},
		{"period", "duration", "10s", "How often."},
		{"count", "whole number", "3", "How many."},
		{"on", "true or false", "true", "Whether."},
		{"tags", "list of text", "", "Words."},
		{"labels", "map of text", "", "Names and values."},
		{"inner", "section", "", "A section."},
		{"inner.url", "text", "", "Where."},
		{"option.period", "duration", "5s", "How often."},
		{"probes", "list of section", "", "Several."},
		{"probes[].url", "text", "", "Where."},
		{"pools.*.period", "duration", "5s", "How often."},
		{"retry", "list of duration", "", "Times."},
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %+v", want)
		}
	}
	if t.Failed() {
		for _, f := range got {
			t.Logf("%+v", f)
		}
	}
}

func TestFieldsRefusesBadTags(t *testing.T) {
	for name, v := range map[string]any{
		"default": struct {
			A int `yaml:"a" default:"x"`
		}{},
		"min": struct {
			A Duration `yaml:"a" min:"10"`
		}{},
		"min of a text": struct {
			A string `yaml:"a" min:"10"`
		}{},
		"min above max": struct {
			A int `yaml:"a" min:"2" max:"1"`
		}{},
		"enum": struct {
			A int `yaml:"a" enum:"x,y"`
		}{},
		"enum, section": struct {
			A inner `yaml:"a" enum:"x,y"`
		}{},
		"no notation": struct {
			A chan int `yaml:"a"`
		}{},
		"key of numbers": struct {
			A map[int]string `yaml:"a"`
		}{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			Fields(v)
		}()
	}
}

func TestSchema(t *testing.T) {
	out, err := Schema(&estate{})
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Schema     string `json:"$schema"`
		Additional any    `json:"additionalProperties"`
		Properties map[string]map[string]any
	}
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	if s.Schema != "https://json-schema.org/draft/2020-12/schema" || s.Additional != false {
		t.Errorf("root: %q, additionalProperties %v", s.Schema, s.Additional)
	}
	for key, want := range map[string]string{
		"count":  `map[default:3 description:How many. maximum:10 minimum:1 type:[integer null]]`,
		"period": `map[default:10s description:How often. (a duration like 10s, at least 100ms, at most 1h) type:[string number null]]`,
		"mode":   `map[default:fast description:Which. enum:[fast slow <nil>]]`,
		"verbs":  `map[default:[GET HEAD] description:Methods. items:map[enum:[GET HEAD POST <nil>]] type:[array null]]`,
		"token":  `map[description:Only for us. type:[string number boolean null] writeOnly:true]`,
		"small":  `map[description:A byte. minimum:0 type:[integer null]]`,
		"pools": `map[additionalProperties:map[additionalProperties:false properties:map[period:map[default:5s ` +
			`description:How often. (a duration like 10s) type:[string number null]] url:map[description:Where. ` +
			`type:[string number boolean null]]] type:[object null]] description:By name. type:[object null]]`,
	} {
		if got := fmt.Sprint(s.Properties[key]); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", key, got, want)
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add("a", "b")
	f.Add("x: y", "\x00\x7f\u0085\ufeff")
	f.Add("# c", "~")
	f.Fuzz(func(t *testing.T, key, value string) {
		key, value = strings.ToValidUTF8(key, ""), strings.ToValidUTF8(value, "")
		type file struct {
			Text   string            `yaml:"text"`
			List   []string          `yaml:"list"`
			Labels map[string]string `yaml:"labels"`
		}
		want := file{value, []string{value, key}, map[string]string{key: value}}
		var out bytes.Buffer
		if err := Explain(&out, want); err != nil {
			t.Fatal(err)
		}
		if out.Len() > maxBytes {
			return
		}
		var got file
		if err := Parse("explained", out.Bytes(), &got); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %q, want %q\n%s", got, want, out.String())
		}
	})
}
