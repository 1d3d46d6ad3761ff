package rlimit

import (
	"slices"
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/config"
)

func TestParseLimit(t *testing.T) {
	for _, c := range []struct {
		resource   Resource
		text       string
		soft, hard uint64
		back       string
	}{
		{NoFile, "4096:8192", 4096, 8192, "4096:8192"},
		{NoFile, "4096", 4096, 4096, "4096"},
		{NoFile, " 1 : 2 ", 1, 2, "1:2"},
		{NoFile, "1024:infinity", 1024, Unlimited, "1024:infinity"},
		{NProc, "unlimited", Unlimited, Unlimited, "infinity"},
		{AS, "64MiB", 64 << 20, 64 << 20, "64MiB"},
		{AS, "67108864", 64 << 20, 64 << 20, "64MiB"},
		{AS, "64M:0.5GiB", 64 << 20, 512 << 20, "64MiB:512MiB"},
		{AS, "10MB", 10e6, 10e6, "10000000"},
		{Core, "0", 0, 0, "0"},
		{Core, "0:infinity", 0, Unlimited, "0:infinity"},
		{CPU, "120:360", 120, 360, "2m:6m"},
		{CPU, "2m:6m", 120, 360, "2m:6m"},
		{CPU, "1d", 86400, 86400, "24h"},
		{RTTime, "200ms", 200_000, 200_000, "200ms"},
		{RTTime, "5:200000", 5, 200_000, "5µs:200ms"},
		{AS, "18446744073709551614", Unlimited - 1, Unlimited - 1, "18446744073709551614"},
	} {
		l, err := ParseLimit(c.resource, c.text)
		if err != nil || l != (Limit{c.soft, c.hard}) {
			t.Errorf("%s %q: %d:%d, %v; want %d:%d", c.resource, c.text, l.Soft, l.Hard, err, c.soft, c.hard)
			continue
		}
		if got := l.Text(c.resource); got != c.back {
			t.Errorf("%s %q: written as %q, want %q", c.resource, c.text, got, c.back)
		}
	}
}

func TestParseFlagErrors(t *testing.T) {
	for text, want := range map[string]string{
		"nofile=20:10":                "limit nofile: soft limit 20 is above hard limit 10",
		"as=2GiB:1GiB":                "limit as: soft limit 2GiB is above hard limit 1GiB",
		"nofile=infinity:10":          "limit nofile: soft limit infinity is above hard limit 10",
		"as=1":                        "limit as: address space of 1 byte: no program can start, want at least 1MiB",
		"as=100KiB:1GiB":              "limit as: address space of 100KiB: no program can start, want at least 1MiB",
		"stack=512":                   "limit stack: stack of 512 bytes: no program can start, want at least 16KiB",
		"nofile=0":                    "limit nofile: open files of 0: no program can start, want at least 4",
		"cpu=0":                       "limit cpu: processor time of 0: no program can start, want at least 1s",
		"nice=41":                     "limit nice: nice ceiling of 41 means nothing, want at most 40 or infinity",
		"rtprio=1:100":                "limit rtprio: real-time priority of 100 means nothing, want at most 99 or infinity",
		"nofiles=1":                   `unknown limit "nofiles", did you mean "nofile"?`,
		"NOFILE=1":                    `unknown limit "NOFILE", want one of as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack`,
		"=1":                          `unknown limit "", want one of as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack`,
		"nofile":                      `limit "nofile" has no value, want name=soft:hard like nofile=4096:8192`,
		"nofile=":                     "limit nofile: a side of the limit is empty, want soft:hard or one whole number from 0 for both",
		"nofile=1:":                   "limit nofile: a side of the limit is empty, want soft:hard or one whole number from 0 for both",
		"nofile=-1":                   `limit nofile: "-1" is not a whole number from 0 or infinity`,
		"nofile=64MiB":                `limit nofile: "64MiB" is not a whole number from 0 or infinity`,
		"nofile=1:2:3":                `limit nofile: "2:3" is not a whole number from 0 or infinity`,
		"nofile=18446744073709551615": `limit nofile: "18446744073709551615" is not a whole number from 0 or infinity`,
		"as=64XB":                     `limit as: "64XB" is not a size like 64MiB or infinity`,
		"as=-1":                       `limit as: "-1" is not a size like 64MiB or infinity`,
		"cpu=1500ms":                  `limit cpu: "1500ms" is finer than the kernel counts, want a multiple of 1s`,
		"cpu=-5s":                     `limit cpu: "-5s" is not a time like 2m or a number of seconds or infinity`,
	} {
		if _, err := ParseFlag(text); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestFlagsRoundTrip(t *testing.T) {
	flags := []string{"nofile=4096:8192", "cpu=2m:6m", "core=0", "nproc=infinity", "as=64MiB", "stack=8MiB:infinity"}
	shuffled := slices.Clone(flags)
	slices.Reverse(shuffled)
	s, err := ParseFlags(shuffled)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Flags(); !slices.Equal(got, flags) {
		t.Errorf("got %q, want %q: nofile first, memory last", got, flags)
	}
	_, err = ParseFlags([]string{"nofile=1k", "as=64MiB", "as=65MiB", "cup=1"})
	want := `limit nofile: "1k" is not a whole number from 0 or infinity` + "\n" +
		"limit as is given twice, as 64MiB and as 65MiB\n" + `unknown limit "cup", did you mean "cpu"?`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// file is a configuration with a section of limits, as reeve.yaml has it.
type file struct {
	Limits Config `yaml:"limits" doc:"Limits."`
}

func (f *file) Validate() error {
	var p config.Problems
	p.Under("limits", f.Limits.Validate())
	return p.Err()
}

func TestConfigInTheFile(t *testing.T) {
	var f file
	if err := config.Parse("f", []byte("limits: {nofile: 4096:8192, as: 64MiB, core: 0, cpu: 120:360}\n"), &f); err != nil {
		t.Fatal(err)
	}
	s, err := f.Limits.Set()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"nofile=4096:8192", "cpu=2m:6m", "core=0", "as=64MiB"}
	if got := s.Flags(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if l, ok := s.Get(AS); !ok || l.Soft != 67108864 {
		t.Errorf("as is %+v, want 67108864", l)
	}
	var out strings.Builder
	if err := config.Explain(&out, f); err != nil {
		t.Fatal(err)
	}
	var back file
	if err := config.Parse("explained", []byte(out.String()), &back); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if s2, _ := back.Limits.Set(); !slices.Equal(s, s2) {
		t.Errorf("read back as %q, want %q\n%s", s2, s, out.String())
	}
}

func TestConfigProblemsHaveTheirPlace(t *testing.T) {
	const text = `limits:
  nofile: 20:10
  as: 1
  nofiles: 3
  core: [0]
  cpu: 0.5s
  stack: 8MB:4MB
`
	const want = `f:2:11: limits.nofile: soft limit 20 is above hard limit 10
f:3:7: limits.as: address space of 1 byte: no program can start, want at least 1MiB
f:4:3: limits.nofiles: unknown key "nofiles", did you mean "nofile"?
f:5:9: limits.core: got a list, want a limit like 64MiB or 64MiB:128MiB
f:6:8: limits.cpu: "0.5s" is finer than the kernel counts, want a multiple of 1s
f:7:10: limits.stack: soft limit 8MB is above hard limit 4MB`
	var f file
	err := config.Parse("f", []byte(text), &f)
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestConfigHasEveryName(t *testing.T) {
	var keys []string
	for _, f := range config.Fields(Config{}) {
		keys = append(keys, f.Key)
		if f.Type != "limit" || f.Doc == "" {
			t.Errorf("%s is a %s with doc %q", f.Key, f.Type, f.Doc)
		}
	}
	var names []string
	for _, r := range Names() {
		names = append(names, string(r))
	}
	slices.Sort(keys)
	slices.Sort(names)
	if !slices.Equal(keys, names) {
		t.Errorf("keys %q, names %q", keys, names)
	}
	for _, name := range names {
		var f file
		if err := config.Parse("f", []byte("limits: {"+name+": infinity}"), &f); err != nil {
			t.Error(err)
		}
		s, err := f.Limits.Set()
		if err != nil || len(s) != 1 || string(s[0].Resource) != name {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func TestSetSane(t *testing.T) {
	s := Set{{NoFile, Limit{20, 10}}, {AS, Limit{64 << 20, 64 << 20}}, {"noflie", Limit{}}, {AS, Limit{1 << 30, 1 << 30}}}
	want := "nofile: soft limit 20 is above hard limit 10\n" + `noflie: unknown limit "noflie", did you mean "nofile"?` +
		"\nas: the limit is in the set twice"
	if err := s.check(func(Entry) error { return nil }); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func FuzzParseFlag(f *testing.F) {
	for _, s := range []string{"nofile=1:2", "as=64MiB:infinity", "cpu=1m", "rttime=1ms:2", "core=0", "x", "as=1e9", "nice=20:40"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseFlag(text)
		if err != nil {
			return
		}
		if e.Limit.Soft > e.Limit.Hard {
			t.Fatalf("%q: soft above hard: %+v", text, e)
		}
		back, err := ParseFlag(e.String())
		if err != nil || back != e {
			t.Fatalf("%q is %+v, written as %q, read back as %+v, %v", text, e, e, back, err)
		}
	})
}
