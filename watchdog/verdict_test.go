package watchdog

import (
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	for _, tc := range []struct {
		name               string
		rise, fall, within int
		answers, want      string // + and -; per answer: . stayed, R rose, F fell
	}{
		{"first success rises", 1, 3, 0, "+++", "R.."},
		{"rise must be in a row", 3, 3, 0, "++-++-+++", "........R"},
		{"fall must be in a row", 1, 3, 0, "+--+--+---", "R........F"},
		{"falls once", 1, 2, 0, "+-----", "R.F..."},
		{"falls without having risen", 1, 3, 0, "---", "..F"},
		{"rises again", 2, 2, 0, "++--+-++", ".R.F...R"},
		{"counts anew after it rose", 1, 2, 0, "--+-+--", ".FR...F"},
		{"one try decides", 1, 1, 0, "+-+-", "RFRF"},
		{"3 of 5 sees flapping", 1, 3, 5, "+-+-+-", "R....F"},
		{"3 of 5 forgets", 1, 3, 5, "-++++-+++-", ".R........"},
		{"3 of 5 is forgiven by a rise", 1, 3, 5, "---+--", "..FR.."},
		{"3 of 3 is in a row", 1, 3, 3, "+--+---", "R.....F"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tally := newTally(ProbeConfig{Rise: tc.rise, Fall: tc.fall, Within: tc.within})
			var got strings.Builder
			for _, a := range tc.answers {
				got.WriteByte(".RF"[tally.add(a == '+')])
			}
			if got.String() != tc.want {
				t.Errorf("%s gives %s, want %s", tc.answers, got.String(), tc.want)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		role     Role
		turn     turn
		failing  bool
		advances bool
		want     consequence
	}{
		{Liveness, stayed, false, false, nothing},
		{Liveness, rose, false, false, tellUp},
		{Liveness, fell, true, false, end},
		{Liveness, fell, true, true, overload},
		{Liveness, stayed, true, true, overload},
		{Liveness, stayed, true, false, end}, // overload that became a hang
		{Startup, fell, true, true, end},
		{Startup, stayed, false, false, nothing},
		{Readiness, fell, true, false, tellDown},
		{Readiness, stayed, true, false, nothing},
		{Readiness, rose, false, false, tellUp},
	} {
		if got := judge(tc.role, tc.turn, tc.failing, tc.advances); got != tc.want {
			t.Errorf("%+v: got %d", tc, got)
		}
	}
}

func TestAdvanced(t *testing.T) {
	for _, tc := range []struct {
		name     string
		from, to mark
		want     bool
	}{
		{"nobody counts", mark{}, mark{}, false},
		{"nobody counted at first", mark{}, mark{known: true, completed: 9}, false},
		{"stands still", mark{true, 5, 0}, mark{true, 5, 1}, false},
		{"our own checks alone", mark{true, 5, 0}, mark{true, 7, 2}, false},
		{"more than those", mark{true, 5, 0}, mark{true, 8, 2}, true},
		{"the count began anew", mark{true, 5, 0}, mark{true, 1, 0}, false},
	} {
		if got := advanced(tc.from, tc.to); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestReady(t *testing.T) {
	st := func(r Role, s State) standing { return standing{r, s} }
	for _, tc := range []struct {
		name string
		all  []standing
		want bool
	}{
		{"no probes say nothing", nil, false},
		{"startup alone", []standing{st(Startup, Passing)}, true},
		{"startup not yet", []standing{st(Startup, Unknown)}, false},
		{"liveness alone must pass first", []standing{st(Liveness, Waiting)}, false},
		{"liveness passes", []standing{st(Liveness, Passing)}, true},
		{"liveness not asked, readiness passes", []standing{st(Liveness, Waiting), st(Readiness, Passing)}, true},
		{"overloaded", []standing{st(Liveness, Overloaded), st(Readiness, Passing)}, false},
		{"one of two", []standing{st(Readiness, Passing), st(Readiness, Unknown)}, false},
		{"not started", []standing{st(Startup, Unknown), st(Readiness, Passing)}, false},
	} {
		if got := ready(tc.all); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
