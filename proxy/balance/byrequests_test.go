package balance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func seats(weights ...int64) []Seat {
	out := make([]Seat, len(weights))
	for i, w := range weights {
		out[i] = Seat{Weight: w, Offers: true}
	}
	return out
}

// schedule chooses n times and names the winners a, b, c, …
func schedule(s []Seat, n int) string {
	var out []string
	for range n {
		out = append(out, string(rune('a'+ByRequests{}.Choose(s, 0))))
	}
	return strings.Join(out, " ")
}

func TestByRequestsPeriods(t *testing.T) {
	for _, tt := range []struct {
		weights []int64
		off     int // index of a disabled member, or -1
		period  string
	}{
		{[]int64{1, 1}, -1, "a b"},
		{[]int64{2, 3}, -1, "b a b a b"},
		{[]int64{70, 30}, -1, "a b a a a b a a b a"},
		{[]int64{10, 1}, -1, "a a a a a b a a a a a"},
		{[]int64{1, 1, 1}, -1, "a b c"},
		{[]int64{1, 2, 1}, -1, "b a c b"},
		{[]int64{1, 4, 1}, -1, "b a b b c b"},
		{[]int64{3, 2, 1}, -1, "a b a c b a"},
		{[]int64{3, 3, 1}, -1, "a b c a b a b"},
		{[]int64{4, 2, 1}, -1, "a b a c a b a"},
		{[]int64{5, 1, 1}, -1, "a a b a c a a"},
		{[]int64{1, 1, 1, 1}, -1, "a b c d"},
		{[]int64{25, 25, 25, 25}, -1, "a b c d"},
		{[]int64{1, 1, 1, 2}, -1, "d a b c d"},
		{[]int64{25, 25, 25, 25}, 1, "a c d"},
		{[]int64{100, 225}, -1, "b a b b a b b b a b b a b"},
		{[]int64{1, 20, 5}, -1, "b b c b b b b c b b b a b b c b b b c b b b b c b b"},
	} {
		s := seats(tt.weights...)
		if tt.off >= 0 {
			s[tt.off].Offers = false
		}
		n := len(strings.Fields(tt.period))
		for round := range 3 {
			if got := schedule(s, n); got != tt.period {
				t.Errorf("weights %v, round %d:\n got %s\nwant %s", tt.weights, round, got, tt.period)
			}
		}
	}
}

func TestByRequestsStatuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		weights []int64
		off     int
		after   [][]int64
	}{
		{"25x4, b off", []int64{25, 25, 25, 25}, 1, [][]int64{{-50, 0, 25, 25}, {-25, 0, -25, 50}, {0, 0, 0, 0}}},
		{"1,4,1", []int64{1, 4, 1}, -1, [][]int64{{1, -2, 1}, {-4, 2, 2}, {-3, 0, 3}, {-2, -2, 4}, {-1, 2, -1}, {0, 0, 0}}},
		{"3,2,1", []int64{3, 2, 1}, -1, [][]int64{{-3, 2, 1}, {0, -2, 2}, {-3, 0, 3}, {0, 2, -2}, {3, -2, -1}, {0, 0, 0}}},
		{"5,1,1", []int64{5, 1, 1}, -1, [][]int64{{-2, 1, 1}, {-4, 2, 2}, {1, -4, 3}, {-1, -3, 4}, {4, -2, -2}, {2, -1, -1}, {0, 0, 0}}},
		{"70,30", []int64{70, 30}, -1, [][]int64{{-30, 30}, {40, -40}, {10, -10}, {-20, 20}, {-50, 50}, {20, -20}, {-10, 10}, {-40, 40}, {30, -30}, {0, 0}}},
		{"2,3", []int64{2, 3}, -1, [][]int64{{2, -2}, {-1, 1}, {1, -1}, {-2, 2}, {0, 0}}},
		{"1,1,1,2", []int64{1, 1, 1, 2}, -1, [][]int64{{1, 1, 1, -3}, {-3, 2, 2, -1}, {-2, -2, 3, 1}, {-1, -1, -1, 3}, {0, 0, 0, 0}}},
	} {
		s := seats(tt.weights...)
		if tt.off >= 0 {
			s[tt.off].Offers = false
		}
		for i, want := range tt.after {
			ByRequests{}.Choose(s, 0)
			var got []int64
			for _, x := range s {
				got = append(got, x.Status)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: after choice %d: %v, want %v", tt.name, i+1, got, want)
			}
		}
	}
}

// TestByRequestsFrozen: who takes no part keeps its status and returns with it.
func TestByRequestsFrozen(t *testing.T) {
	s := seats(1, 1, 1)
	got := schedule(s, 2)
	s[1].Offers = false
	got += " " + schedule(s, 4)
	s[1].Offers = true
	got += " " + schedule(s, 6)
	if want := "a b c c a c a c b a c b"; got != want {
		t.Errorf("b off before choice 3, back before 7:\n got %s\nwant %s", got, want)
	}
	s = seats(3, 1, 1)
	s[0].Offers = false
	got = schedule(s, 4)
	s[0].Offers = true
	got += " " + schedule(s, 10)
	if want := "b c b c a b a c a a b a c a"; got != want {
		t.Errorf("a out for choices 1 to 4:\n got %s\nwant %s", got, want)
	}
}

// TestByRequestsProperties holds for every weight: see the package doc.
func TestByRequestsProperties(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		weights := make([]int64, 1+rnd.IntN(9))
		var sum, div int64
		for i := range weights {
			weights[i] = 1 + rnd.Int64N(40)
			sum += weights[i]
			div = gcd(div, weights[i])
		}
		scale := 1 + rnd.Int64N(100)
		s, scaled := seats(weights...), seats(weights...)
		for i := range scaled {
			scaled[i].Weight *= scale
		}
		counts := make([]int64, len(weights))
		for n := int64(1); n <= sum/div; n++ {
			won := ByRequests{}.Choose(s, 0)
			counts[won]++
			if w := (ByRequests{}).Choose(scaled, 0); w != won {
				t.Fatalf("weights %v times %d: choice %d is %d, want %d", weights, scale, n, w, won)
			}
			var total int64
			for i := range s {
				total += s[i].Status
				if s[i].Status != n*weights[i]-sum*counts[i] {
					t.Fatalf("weights %v: after %d choices status %d = %d", weights, n, i, s[i].Status)
				}
				if s[i].Status <= -sum {
					t.Fatalf("weights %v: after %d choices member %d is a whole request ahead", weights, n, i)
				}
			}
			if total != 0 {
				t.Fatalf("weights %v: after %d choices the statuses sum to %d", weights, n, total)
			}
		}
		for i := range s {
			if s[i].Status != 0 || counts[i] != weights[i]/div {
				t.Fatalf("weights %v: at the period's end member %d has status %d, count %d", weights, i, s[i].Status, counts[i])
			}
		}
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func TestNobodyOffers(t *testing.T) {
	for _, m := range []Method{ByRequests{}, Random{}} {
		if i := m.Choose(nil, 7); i != -1 {
			t.Errorf("%s of none = %d", m.Name(), i)
		}
		if i := m.Choose([]Seat{{Weight: 1}}, 7); i != -1 {
			t.Errorf("%s of nobody who offers = %d", m.Name(), i)
		}
	}
}

func TestRandomFollowsWeights(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	s := seats(1, 5, 4)
	s = append(s, Seat{Weight: 90})
	counts := make([]int, len(s))
	const n = 100_000
	for range n {
		counts[Random{}.Choose(s, rnd.Uint64())]++
	}
	for i, want := range []int{n / 10, n / 2, n * 4 / 10, 0} {
		if d := counts[i] - want; d < -n/100 || d > n/100 {
			t.Errorf("member %d chosen %d times, want about %d", i, counts[i], want)
		}
	}
	for i, draw := range []uint64{0, 1 << 63, ^uint64(0)} {
		if got, want := (Random{}).Choose(s, draw), []int{0, 1, 2}[i]; got != want {
			t.Errorf("draw %#x chose %d, want %d", draw, got, want)
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, m := range []Method{ByRequests{}, Random{}} {
		for _, n := range []int{2, 16, 256} {
			b.Run(fmt.Sprintf("%s/%d", m.Name(), n), func(b *testing.B) {
				s := make([]Seat, n)
				for i := range s {
					s[i] = Seat{Weight: int64(100 + i), Offers: true}
				}
				b.ReportAllocs()
				var draw uint64
				for b.Loop() {
					draw += 0x9e3779b97f4a7c15
					m.Choose(s, draw)
				}
			})
		}
	}
}
