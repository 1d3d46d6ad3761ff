package rlimit

import (
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/testproc"
)

func TestWarnGo(t *testing.T) {
	small, large := Set{{AS, Limit{1 << 30, 4 << 30}}}, Set{{AS, Limit{2 << 30, 4 << 30}}}
	if w := WarnGo(testproc.Self(), small); !strings.Contains(w, "under as=1GiB:4GiB it may fail to start") {
		t.Errorf("a Go program under 1GiB: %q", w)
	}
	for name, w := range map[string]string{
		"a Go program under 2GiB":         WarnGo(testproc.Self(), large),
		"a Go program without a limit":    WarnGo(testproc.Self(), Set{{Data, Limit{1 << 20, 1 << 20}}}),
		"a program in C":                  WarnGo(testproc.Need(t, "cat"), small),
		"a program that does not exist":   WarnGo("/nowhere/program", small),
		"a folder in place of a program":  WarnGo("/", small),
		"a text file instead of a binary": WarnGo("warn_test.go", small),
	} {
		if w != "" {
			t.Errorf("%s: %q", name, w)
		}
	}
}

func TestWarn(t *testing.T) {
	s := Set{{CPU, Limit{120, 360}}, {NProc, Limit{10, 10}}}
	want := []string{"cpu=2m:6m counts all processor time since the start: a program that runs for ever is certain to be killed by it",
		"nproc=10 is not enforced for root"}
	if got := Warn(s, true, true); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Warn(s, false, false); got != nil {
		t.Errorf("a short run of a user: %q", got)
	}
}
