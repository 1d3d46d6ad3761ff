package balance

import "testing"

func TestParseWeight(t *testing.T) {
	for text, want := range map[string]Weight{"1": 100, "70": 7000, "2.25": 225, "1.15": 115, "1.5": 150, "100": 10000, "100.00": 10000} {
		w, err := ParseWeight(text)
		if err != nil || w != want {
			t.Errorf("%q = %d, %v, want %d", text, w, err, want)
		}
	}
	for _, text := range []string{"", "0", "0.99", "100.01", "101", "-1", "+1", "1.", ".5", "1.234", "1e2", "1,5", " 1", "0x1", "99999999999999999999"} {
		if w, err := ParseWeight(text); err == nil {
			t.Errorf("%q = %d, want an error", text, w)
		}
	}
}

func FuzzParseWeight(f *testing.F) {
	f.Add("2.25")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWeight(text)
		if err != nil {
			return
		}
		if w < MinWeight || w > MaxWeight {
			t.Fatalf("%q = %d", text, w)
		}
		if back, err := ParseWeight(w.String()); err != nil || back != w {
			t.Fatalf("%q prints as %q, which is %d, %v", text, w, back, err)
		}
	})
}
