package runaway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

func cfg(edit func(*Config)) Config {
	c := config.Default[Config]()
	c.Timeout, c.Grace = config.Duration(100*time.Second), config.Duration(10*time.Second)
	if edit != nil {
		edit(&c)
	}
	return c
}

func TestLadder(t *testing.T) {
	t0 := time.Unix(1000, 0)
	r := func(id uint64, age time.Duration) Request { return Request{ID: id, Path: "/a", Age: age} }
	const s = time.Second
	for _, tc := range []struct {
		name string
		edit func(*Config)
		seen []Request
		old  memory
		want string
	}{
		{name: "young", seen: []Request{r(1, 79*s)}},
		{name: "exactly the share", seen: []Request{r(1, 80*s)}},
		{name: "warned once", seen: []Request{r(1, 81*s)}, want: "warn 1"},
		{name: "not twice", seen: []Request{r(1, 90*s)}, old: memory{1: {warned: true}}},
		{name: "no warnings", edit: func(c *Config) { c.Warn = 0 }, seen: []Request{r(1, 99*s)}},
		{name: "exactly the timeout", seen: []Request{r(1, 100*s)}, old: memory{1: {warned: true}}},
		{name: "past it", seen: []Request{r(1, 101*s)}, old: memory{1: {warned: true}}, want: "kill 1"},
		{name: "past it at once", seen: []Request{r(1, 101*s)}, want: "kill 1"},
		{name: "within grace is asked again", seen: []Request{r(1, 110*s)}, old: memory{1: {killed: true, at: t0.Add(-9 * s)}}, want: "kill 1"},
		{name: "past grace", seen: []Request{r(1, 111*s)}, old: memory{1: {killed: true, at: t0.Add(-10 * s)}}, want: "condemn 1"},
		{name: "went in time", seen: nil, old: memory{1: {killed: true, at: t0.Add(-20 * s)}}},
		{name: "another request has the slot", seen: []Request{r(2, 1*s)}, old: memory{1: {killed: true, at: t0.Add(-20 * s)}}},
		{name: "dry run", edit: func(c *Config) { c.DryRun = true }, seen: []Request{r(1, 101*s)}, want: "kill 1"},
		{name: "dry run condemns nothing", edit: func(c *Config) { c.DryRun = true }, seen: []Request{r(1, 999*s)}, old: memory{1: {killed: true, at: t0.Add(-99 * s)}}},
		{name: "each for itself", seen: []Request{r(1, 101*s), r(2, 1*s), r(3, 85*s)}, want: "kill 1, warn 3"},
		{name: "exempt", edit: func(c *Config) { c.Exempt = []string{"/a"} }, seen: []Request{r(1, 999*s)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			todo, next := decide(cfg(tc.edit), t0, tc.seen, tc.old)
			var got []string
			for _, a := range todo {
				got = append(got, fmt.Sprintf("%s %d", a.step, a.r.ID))
			}
			if strings.Join(got, ", ") != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			for id := range next {
				if !strings.Contains(fmt.Sprint(tc.seen), fmt.Sprintf("{%d ", id)) {
					t.Errorf("remembers %d, which is not there", id)
				}
			}
		})
	}
}

func TestExemptEndsAtASegment(t *testing.T) {
	for _, tc := range []struct {
		prefix, path string
		want         bool
	}{
		{"/events", "/events", true},
		{"/events", "/events/7", true},
		{"/events", "/eventsource", false},
		{"/events/", "/events", false},
		{"/events/", "/events/x", true},
		{"/", "/anything", true},
	} {
		if got := exempt([]string{"/other", tc.prefix}, tc.path); got != tc.want {
			t.Errorf("%q under %q: %v", tc.path, tc.prefix, got)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := config.Default[Config]().Validate(); err != nil {
		t.Fatal(err)
	}
	bad := cfg(func(c *Config) { c.Exempt = []string{"/ok", "x"}; c.Poll = config.Duration(200 * time.Second) })
	got := config.List(bad.Validate())
	if len(got) != 2 || got[0].Key != "exempt[1]" || got[1].Key != "poll" {
		t.Fatalf("%+v", got)
	}
}
