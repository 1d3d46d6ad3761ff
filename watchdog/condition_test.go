package watchdog

import (
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

func TestCondition(t *testing.T) {
	at := func(op, value, clear string, hold time.Duration) ConditionConfig {
		return ConditionConfig{Metric: "child.threads", Op: op, Value: value, Clear: clear, For: config.Duration(hold)}
	}
	// One reading a second; ? is one that could not be read.
	for _, tc := range []struct {
		name     string
		c        ConditionConfig
		readings string
		want     string // . unchanged, R raised, C cleared
	}{
		{"at the limit is not past it", at(">", "5", "", 0), "5 6", ".R"},
		{"at the limit is enough", at(">=", "5", "", 0), "4 5", ".R"},
		{"below", at("<", "5", "", 0), "5 4", ".R"},
		{"raised once", at(">", "5", "", 0), "6 7 8", "R.."},
		{"holds throughout", at(">", "5", "", 3*time.Second), "6 6 6 6 6", "...R."},
		{"a dip begins anew", at(">", "5", "", 3*time.Second), "6 6 6 5 6 6 6 6", ".......R"},
		{"not knowing begins anew", at(">", "5", "", 3*time.Second), "6 6 6 ? 6 6 6 6", ".......R"},
		{"a dip to between does not clear", at(">", "100", "", 0), "101 95 101 91 90", "R...C"},
		{"own clear", at(">", "100", "50", 0), "101 51 50", "R.C"},
		{"clear below", at("<", "100", "", 0), "99 105 109 111", "R..C"},
		{"clearing takes as long", at(">", "5", "5", 2*time.Second), "6 6 6 5 5 6 5 5 5", "..R.....C"},
		{"not knowing clears nothing", at(">", "5", "5", 0), "6 ? ? 5", "R..C"},
		{"raised again", at(">", "5", "5", 0), "6 5 6", "RCR"},
		{"above nothing", at(">", "0", "", 0), "1 0", "RC"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.c.validate(); err != nil {
				t.Fatal(err)
			}
			c, e, now := tc.c.condition(), evaluator{}, time.Unix(0, 0)
			var got strings.Builder
			for word := range strings.FieldsSeq(tc.readings) {
				v, err := parseValue(number, word)
				var ch change
				e, ch = c.next(e, now, v, err == nil)
				got.WriteByte(".RC"[ch])
				now = now.Add(time.Second)
			}
			if got.String() != tc.want {
				t.Errorf("%s gives %s, want %s", tc.readings, got.String(), tc.want)
			}
		})
	}
}

func TestParseValue(t *testing.T) {
	for _, tc := range []struct {
		u    unit
		text string
		want float64 // -1 for refused
	}{
		{bytes, "200MiB", 200 << 20},
		{bytes, "1000", 1000},
		{bytes, "", -1},
		{bytes, "80%", -1},
		{bytes, "1MiB/s", -1},
		{bytes, "-1", -1},
		{rate, "1MiB/s", 1 << 20},
		{rate, "1MiB", 1 << 20},
		{percent, "80%", 80},
		{percent, "80 %", 80},
		{percent, "250", 250},
		{percent, "80MiB", -1},
		{number, "1.5", 1.5},
		{number, "80%", -1},
		{number, "NaN", -1},
		{number, "+Inf", -1},
		{number, "", -1},
	} {
		got, err := parseValue(tc.u, tc.text)
		if (err != nil) != (tc.want < 0) || err == nil && got != tc.want {
			t.Errorf("%q: %v, %v, want %v", tc.text, got, err, tc.want)
		}
	}
}

func FuzzParseValue(f *testing.F) {
	for _, s := range []string{"200MiB", "80%", "1MiB/s", "1.5", "-", "1e400", "NaN%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for u := number; u <= percent; u++ {
			if v, err := parseValue(u, s); err == nil && !(v >= 0 && v < 1e300*1e8) {
				t.Errorf("%q is %v", s, v)
			}
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	for _, s := range []string{"200", "200-399", "200, 204,300-399", "-", "600", "200-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseStatus(s)
		if err == nil && len(c) == 0 || c.has(99) || c.has(600) {
			t.Errorf("%q is %v", s, c)
		}
	})
}

func TestEveryMetricHasAFigure(t *testing.T) {
	f := figures{usage: Usage{Processes: 1, MemTotal: 1, Disks: []DiskUsage{{Path: "/a", Free: 5, Used: 10}, {Path: "/b", Free: 3, Used: 7}}}, counted: true}
	for _, m := range metrics() {
		if _, ok := f.figure(m.name, ""); !ok {
			t.Errorf("%s has no figure", m.name)
		}
		if m.name == "restarts" {
			continue
		}
		if _, ok := (figures{}).figure(m.name, ""); ok {
			t.Errorf("%s has a figure of nothing", m.name)
		}
	}
	for _, tc := range []struct {
		metric, path string
		want         float64
		ok           bool
	}{
		{"disk.free", "", 3, true}, {"disk.used_share", "", 10, true},
		{"disk.free", "/a", 5, true}, {"disk.used_share", "/b", 7, true}, {"disk.free", "/c", 0, false},
		{"child.nonsense", "", 0, false},
	} {
		if v, ok := f.figure(tc.metric, tc.path); v != tc.want || ok != tc.ok {
			t.Errorf("%s of %q: %v, %v", tc.metric, tc.path, v, ok)
		}
	}
}

func TestConfigProblems(t *testing.T) {
	good := config.Default[Config]()
	good.Probes = []ProbeConfig{{URL: "http://127.0.0.1/"}, {URL: "http://127.0.0.1/"}, {Kind: TCP, Role: Startup, Address: "[::1]:80"}, {Kind: Exec, Command: []string{"true"}}}
	good.Conditions = []ConditionConfig{{Metric: "child.rss", Value: "200MiB"}, {Metric: "disk.free", Path: "/", Op: "<", Value: "1GiB", Clear: "2GiB"}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := good.complete().Probes; got[0].Name != "liveness" || got[1].Name != "liveness2" || got[2].Name != "startup" || got[0].Fall != 3 {
		t.Fatalf("%+v", got)
	}
	for _, tc := range []struct {
		name string
		c    Config
		want string
	}{
		{"no url", Config{Probes: []ProbeConfig{{}}}, "probes[0].url: an http probe needs one"},
		{"url does not parse", Config{Probes: []ProbeConfig{{URL: "http://[::1"}}}, "probes[0].url: "},
		{"url of another kind", Config{Probes: []ProbeConfig{{URL: "ftp://h/"}}}, `"ftp://h/" is not http`},
		{"bad method", Config{Probes: []ProbeConfig{{URL: "http://h/", Method: "G T"}}}, "probes[0].method: "},
		{"bad status", Config{Probes: []ProbeConfig{{URL: "http://h/", Status: "2xx"}}}, "probes[0].status: "},
		{"bad body", Config{Probes: []ProbeConfig{{URL: "http://h/", Body: "("}}}, "probes[0].body: "},
		{"header splits", Config{Probes: []ProbeConfig{{URL: "http://h/", Headers: map[string]string{"A": "b\r\nC: d"}}}}, "probes[0].headers: "},
		{"timeout over period", Config{Probes: []ProbeConfig{{URL: "http://h/", Timeout: config.Duration(6 * time.Second)}}}, "probes[0].timeout: 6s is longer than the period of 5s"},
		{"within below fall", Config{Probes: []ProbeConfig{{URL: "http://h/", Within: 2}}}, "probes[0].within: 3 failures cannot be among 2 tries"},
		{"no address", Config{Probes: []ProbeConfig{{Kind: TCP}}}, "probes[0].address: "},
		{"no command", Config{Probes: []ProbeConfig{{Kind: Exec}}}, "probes[0].command: "},
		{"kind", Config{Probes: []ProbeConfig{{Kind: "icmp"}}}, "probes[0].kind: "},
		{"role", Config{Probes: []ProbeConfig{{URL: "http://h/", Role: "health"}}}, "probes[0].role: "},
		{"name twice", Config{Probes: []ProbeConfig{{Name: "a", URL: "http://h/"}, {Name: "a", URL: "http://h/"}}}, "probes[1].name: "},
		{"metric near", Config{Conditions: []ConditionConfig{{Metric: "child.rrs", Value: "1"}}}, "conditions[0].metric: \"child.rrs\" is not known; did you mean child.rss?"},
		{"metric unknown", Config{Conditions: []ConditionConfig{{Metric: "temperature", Value: "1"}}}, "is not one of child.rss, "},
		{"no metric", Config{Conditions: []ConditionConfig{{}}}, "a condition needs one of child.rss"},
		{"value", Config{Conditions: []ConditionConfig{{Metric: "child.rss", Value: "80%"}}}, "conditions[0].value: \"80%\" is not a size"},
		{"op", Config{Conditions: []ConditionConfig{{Metric: "child.rss", Op: "==", Value: "1"}}}, "conditions[0].op: "},
		{"action", Config{Conditions: []ConditionConfig{{Metric: "child.rss", Value: "1", Action: "kill"}}}, "conditions[0].action: "},
		{"clear", Config{Conditions: []ConditionConfig{{Metric: "child.rss", Value: "1MiB", Clear: "2MiB"}}}, "conditions[0].clear: 2MiB is on the wrong side"},
		{"path", Config{Conditions: []ConditionConfig{{Metric: "child.rss", Value: "1", Path: "/"}}}, "conditions[0].path: "},
		{"condition twice", Config{Conditions: []ConditionConfig{{Metric: "child.rss", Value: "1"}, {Metric: "child.rss", Value: "2"}}}, "conditions[1].name: "},
		{"runaway", Config{Runaway: func() (c Config) { c.Runaway.Exempt = []string{"x"}; return }().Runaway}, "runaway.exempt[0]: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.c.Validate()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if _, err := New(tc.c, nil, Hooks{}); err == nil {
				t.Error("New took it")
			}
		})
	}
}

func TestPresetsCanBeReplacedAndSwitchedOff(t *testing.T) {
	c := config.Default[Config]()
	if got := c.conditions(); len(got) != 2 || got[0].name != "fd_share" || got[0].limit != 90 || got[1].limit != 1<<20 || got[1].hold != 30*time.Second {
		t.Fatalf("%+v", got)
	}
	for _, p := range presets() {
		if err := p.validate(); err != nil {
			t.Error(err)
		}
	}
	c.Conditions = []ConditionConfig{{Name: "fd_share", Metric: "child.fd_share", Value: "50%"}}
	if got := c.conditions(); len(got) != 2 || got[0].name != "swap_in" || got[1].limit != 50 {
		t.Fatalf("%+v", got)
	}
	c.Presets, c.Conditions = false, nil
	if got := c.conditions(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
}

func TestFileGivesDefaultsToEachElement(t *testing.T) {
	var c Config
	if err := config.Parse("reeve.yaml", []byte(`
probes:
  - url: http://127.0.0.1:80/health
    headers: {Host: www.example}
  - {kind: exec, role: readiness, command: [test, -f, /run/ready], period: 1s, timeout: 500ms, fall: 2, within: 5}
conditions:
  - {metric: child.rss, value: 200MiB}
  - {metric: disk.free, path: /, op: "<", value: 1GiB, for: 0s, action: restart}
runaway: {timeout: 30s, exempt: [/events]}
`), &c); err != nil {
		t.Fatal(err)
	}
	p := c.Probes[0]
	if p.Kind != HTTP || p.Role != Liveness || p.Period.Std() != 5*time.Second || p.Fall != 3 || p.Headers["Host"] != "www.example" {
		t.Errorf("%+v", p)
	}
	if p := c.Probes[1]; p.Timeout.Std() != 500*time.Millisecond || p.Within != 5 || p.Command[2] != "/run/ready" {
		t.Errorf("%+v", p)
	}
	if got := c.conditions(); len(got) != 4 || got[2].hold != 30*time.Second || got[2].action != Page || got[3].hold != 0 || got[3].limit != 1<<30 {
		t.Errorf("%+v", got)
	}
	if c.Runaway.Timeout.Std() != 30*time.Second || c.Runaway.Poll.Std() != time.Second || c.Usage.Std() != 5*time.Second {
		t.Errorf("%+v", c)
	}
	err := config.Parse("reeve.yaml", []byte("probes:\n  - {url: 'ftp://x', period: 1s}\n"), &c)
	if got := config.List(err); len(got) != 2 || got[0].Line != 2 || got[0].Key != "probes[0].url" && got[1].Key != "probes[0].url" {
		t.Errorf("%v", err)
	}
}
