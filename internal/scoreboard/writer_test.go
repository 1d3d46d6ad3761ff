package scoreboard

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFullBoardRefuses(t *testing.T) {
	b := newBoard(t, 64)
	w := NewWriter(b)
	all := claimAll(w)
	if len(all) != 64 {
		t.Fatalf("64 slots gave %d places", len(all))
	}
	zero, ok := w.Claim("c", "GET", "/", 0)
	if ok || zero.ID() != 0 {
		t.Fatal("a full board gave a place")
	}
	// A request without a place goes on without one.
	zero.SetMember("m")
	zero.SetBytes(1)
	zero.SetDeadline(1)
	zero.Release()
	if zero.KillAsked() || b.InFlight() != 64 || len(b.Snapshot(nil)) != 64 {
		t.Fatal("a request without a place touched the board")
	}
	all[9].Release()
	again, ok := w.Claim("c", "GET", "/", 0)
	if !ok || again.Index() != all[9].Index() || again.ID() == all[9].ID() {
		t.Fatalf("after one release: %+v, %v", again, ok)
	}
}

func TestReleasedSlotIsSpent(t *testing.T) {
	b := newBoard(t, 64)
	w := NewWriter(b)
	first, _ := w.Claim("first", "GET", "/1", 0)
	first.Release()
	var second Slot
	for _, s := range claimAll(w) {
		if s.Index() == first.Index() {
			second = s
		}
	}
	first.SetMember("wrong")
	first.SetBytes(99)
	first.SetDeadline(time.Nanosecond)
	first.Release()
	for _, r := range b.Snapshot(nil) {
		if r.ID == second.ID() && (r.Member != "" || r.Bytes != 0 || r.Limit != 0) {
			t.Fatalf("a released slot changed the next request: %+v", r)
		}
	}
	if _, ok := w.Claim("c", "GET", "/", 0); ok {
		t.Fatal("a second release freed another request's slot")
	}
}

func TestKillNamesARequestNotASlot(t *testing.T) {
	b := newBoard(t, 64)
	w := NewWriter(b)
	all := claimAll(w)
	victim := all[5]
	victim.Release()
	next, _ := w.Claim("c", "GET", "/", 0)
	if next.Index() != victim.Index() {
		t.Fatalf("slot %d, want %d again", next.Index(), victim.Index())
	}
	if b.Kill(victim.Index(), victim.ID()) {
		t.Fatal("a kill of a request that is over was accepted")
	}
	// The look and the store of a kill are not one step: the word may land
	// after the slot changed hands.
	b.slotWord(victim.Index(), slotKill).Store(victim.ID())
	if next.KillAsked() || len(w.Overdue(nil)) != 0 {
		t.Fatal("a late kill reached the next request of the slot")
	}
	for _, bad := range []int{-1, 64, math.MaxInt} {
		if b.Kill(bad, 1) {
			t.Fatalf("slot %d was killed", bad)
		}
	}
	if b.Kill(0, 0) {
		t.Fatal("request 0 was killed")
	}
}

func TestTextsAreCut(t *testing.T) {
	b := newBoard(t, 64)
	w := NewWriter(b)
	long := strings.Repeat("0123456789", 100)
	s, _ := w.Claim(long, long, long, 0)
	s.SetMember(long)
	r := b.Snapshot(nil)[0]
	if r.Client != long[:MaxClient] || r.Method != long[:MaxMethod] || r.Path != long[:MaxPath] || r.Member != long[:MaxMember] {
		t.Fatalf("%+v", r)
	}
	s.SetMember("short")
	if r := b.Snapshot(nil)[0]; r.Member != "short" || r.Path != long[:MaxPath] {
		t.Fatalf("%+v", r)
	}
}

// The proxy may have been taken over, and its requests are shown on terminals.
func TestTextsCommandNoTerminal(t *testing.T) {
	b, err := Create(64)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s, _ := NewWriter(b).Claim("\x1b]0;owned\a", "G\xffT", "/é\r\n\x00\u009b2J\u202e", 0)
	s.SetMember("a\tb")
	r := b.Snapshot(nil)[0]
	got := []string{r.Client, r.Method, r.Path, r.Member}
	want := []string{"?]0;owned?", "G?T", "/é????2J?", "a?b"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDeadlines(t *testing.T) {
	for _, tc := range []struct {
		name  string
		total time.Duration
		due   bool
	}{
		{"none", 0, false},
		{"negative means none", -1, false},
		{"past", 1, true},
		{"far", time.Hour, false},
		{"past the end of time", math.MaxInt64, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBoard(t, 64)
			w := NewWriter(b)
			s, _ := w.Claim("c", "GET", "/", tc.total)
			for range 1000 {
				Now() // at least a nanosecond
			}
			if got := len(w.Overdue(nil)) == 1; got != tc.due {
				t.Errorf("claimed with it: due %v, want %v", got, tc.due)
			}
			s.SetDeadline(0)
			if len(w.Overdue(nil)) != 0 {
				t.Error("due without a deadline")
			}
			s.SetDeadline(tc.total)
			if got := len(w.Overdue(nil)) == 1; got != tc.due {
				t.Errorf("set later: due %v, want %v", got, tc.due)
			}
		})
	}
}

func TestClaimToReleaseDoesNotAllocate(t *testing.T) {
	b := newBoard(t, 64)
	w := NewWriter(b)
	due := make([]Due, 0, 64)
	if n := testing.AllocsPerRun(1000, func() {
		s, _ := w.Claim("192.0.2.1:1234", "GET", "/a/path", time.Hour)
		s.SetMember("www1")
		s.SetBytes(1)
		s.SetDeadline(time.Minute)
		s.KillAsked()
		due = w.Overdue(due[:0])
		s.Release()
	}); n != 0 {
		t.Fatalf("%v allocations a request, want 0", n)
	}
}

func BenchmarkClaimRelease(b *testing.B) {
	board := newBoard(b, 4096)
	w := NewWriter(board)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, _ := w.Claim("192.0.2.1:41234", "GET", "/static/css/site.css", time.Minute)
			s.SetMember("www3:8080")
			s.SetBytes(1234)
			s.Release()
		}
	})
}

// The scans report what they cost at ten a second, as percent of a core.
func BenchmarkOverdue4096(b *testing.B) {
	board := newBoard(b, 4096)
	w := NewWriter(board)
	claimAll(w)
	var due []Due
	for b.Loop() {
		due = w.Overdue(due[:0])
	}
	reportShare(b)
}

func BenchmarkSnapshot4096(b *testing.B) {
	board := newBoard(b, 4096)
	w := NewWriter(board)
	for range 4096 {
		s, _ := w.Claim("192.0.2.1:41234", "GET", "/static/css/site.css", time.Minute)
		s.SetMember("www3:8080")
	}
	buf := make([]Request, 0, 4096)
	for b.Loop() {
		buf = board.Snapshot(buf[:0])
	}
	reportShare(b)
}

func reportShare(b *testing.B) {
	perScan := float64(b.Elapsed()) / float64(b.N)
	b.ReportMetric(perScan*10/1e9*100, "%core@10Hz")
}
