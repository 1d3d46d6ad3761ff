package rlimit

import (
	"reflect"
	"testing"
)

const procText = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max file size             unlimited            unlimited            bytes     
Max open files            512                  1024                 files     
Max address space         67108864             unlimited            bytes     
Max nice priority         0                    0                    
Max realtime timeout      unlimited            unlimited            us        
Max something new         1                    2                    things
`

func TestParseProc(t *testing.T) {
	got, err := parseProc(procText)
	if err != nil {
		t.Fatal(err)
	}
	no := Limit{Unlimited, Unlimited}
	want := map[Resource]Limit{CPU: no, FSize: no, NoFile: {512, 1024}, AS: {64 << 20, Unlimited}, Nice: {}, RTTime: no}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for text, want := range map[string]string{
		"":                       "no limit in 0 bytes",
		"Max open files x 1\n":   `limit nofile: "x" is not a number`,
		"Max open files 1 -1\n":  `limit nofile: "-1" is not a number`,
		"Max open files 1\n":     `limit nofile: "1" has no two numbers`,
		"Max open filesx 1 2\n":  "no limit in 20 bytes",
		"Max open files 1 2\n\n": "",
	} {
		_, err := parseProc(text)
		if got := ""; err != nil && err.Error() != want || err == nil && want != got {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestCompare(t *testing.T) {
	have := map[Resource]Limit{NoFile: {1024, 1024}, AS: {1 << 30, 1 << 30}, Core: {0, 0}, CPU: {10, 20}}
	for _, c := range []struct {
		name string
		want Entry
		out  string
		lax  bool
	}{
		{"equal", Entry{AS, Limit{1 << 30, 1 << 30}}, "", false},
		{"nofile raised within hard", Entry{NoFile, Limit{512, 1024}}, "", false},
		{"nofile above hard", Entry{NoFile, Limit{512, 1023}}, "nofile is 1024, want 512:1023", true},
		{"nofile lower", Entry{NoFile, Limit{2048, 4096}}, "nofile is 1024, want 2048:4096", false},
		{"soft raised within hard", Entry{CPU, Limit{5, 20}}, "cpu is 10s:20s, want 5s:20s", true},
		{"tightened", Entry{Core, Limit{0, 1 << 20}}, "core is 0, want 0:1MiB", false},
		{"not there", Entry{Stack, Limit{8 << 20, 8 << 20}}, "stack is infinity, want 8MiB", true},
	} {
		got := compare(Set{c.want}, have)
		if c.out == "" {
			if len(got) != 0 {
				t.Errorf("%s: %v", c.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].String() != c.out || got[0].Looser != c.lax {
			t.Errorf("%s: %v, want %s, looser %v", c.name, got, c.out, c.lax)
		}
	}
}

func FuzzParseProc(f *testing.F) {
	f.Add(procText)
	f.Add("Max open files 1 2")
	f.Add("Max cpu time unlimited")
	f.Fuzz(func(t *testing.T, text string) {
		limits, err := parseProc(text)
		if err == nil && len(limits) == 0 {
			t.Error("neither limits nor an error")
		}
	})
}
