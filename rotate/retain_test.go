package rotate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

// made returns archives of the sizes, oldest first, a day apart, the newest one
// of now.
func made(now time.Time, sizes ...int64) []archive {
	var out []archive
	for i, size := range sizes {
		at := now.Add(-time.Duration(len(sizes)-1-i) * 24 * time.Hour)
		out = append(out, archive{name: fmt.Sprintf("a%d", i), stem: "a", at: at, size: size})
	}
	return out
}

func namesOf(all []removal) string {
	var out []string
	for _, r := range all {
		out = append(out, r.name+":"+r.reason)
	}
	return strings.Join(out, " ")
}

func TestRetain(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	day := config.Duration(24 * time.Hour)
	cases := []struct {
		name  string
		sizes []int64
		keep  Keep
		want  string
	}{
		{"no rules", []int64{1, 1, 1, 1}, Keep{}, ""},
		{"count", []int64{1, 1, 1, 1, 1}, Keep{Count: 3}, "a0:count a1:count"},
		{"count below the newest two", []int64{1, 1, 1, 1}, Keep{Count: 1}, "a0:count a1:count"},
		{"age", []int64{1, 1, 1, 1, 1}, Keep{Age: 2 * day}, "a0:age a1:age"},
		{"age of the newest two", []int64{1, 1}, Keep{Age: 1}, ""},
		{"age exactly", []int64{1, 1, 1}, Keep{Age: 2 * day}, ""},
		{"total", []int64{10, 20, 30, 40}, Keep{Total: 90}, "a0:total"},
		{"total exactly", []int64{20, 30, 40}, Keep{Total: 90}, ""},
		{"total of one giant", []int64{1, 1, 900}, Keep{Total: 90}, "a0:total"},
		{"all rules", []int64{5, 5, 5, 80, 5, 5}, Keep{Count: 5, Age: 3 * day, Total: 50}, "a0:count a1:age a2:total a3:total"},
		{"nothing", nil, Keep{Count: 1}, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := namesOf(retain(made(now, tc.sizes...), tc.keep, now)); got != tc.want {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestReclaimTakesTheOldestOfAllLogs(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	a := made(now, 10, 10, 10, 10)
	b := made(now.Add(-12*time.Hour), 7, 7, 7)
	for i := range b {
		b[i].name, b[i].stem = fmt.Sprintf("b%d", i), "b"
	}
	for want, names := range map[int64]string{
		0:   "",
		1:   "a0:reclaim",
		10:  "a0:reclaim",
		11:  "a0:reclaim b0:reclaim",
		999: "a0:reclaim b0:reclaim a1:reclaim",
	} {
		if got := namesOf(reclaim([][]archive{a, b}, want)); got != names {
			t.Errorf("reclaim %d: got %q, want %q", want, got, names)
		}
	}
}
