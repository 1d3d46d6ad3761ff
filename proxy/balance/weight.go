package balance

import (
	"fmt"
	"strconv"
	"strings"
)

// Weight is a member's share, in hundredths: 225 is 2.25. The zero Weight
// stands for 1.
type Weight int

// The bounds of a weight.
const (
	MinWeight Weight = 1 * hundredths
	MaxWeight Weight = 100 * hundredths
)

const hundredths = 100

// ParseWeight reads a decimal of 1 to 100 with at most two places: "70", "2.25".
// It computes in whole numbers, so "1.15" is 1.15.
func ParseWeight(text string) (Weight, error) {
	whole, part, dotted := strings.Cut(text, ".")
	if dotted && (part == "" || len(part) > 2) || !digits(whole) || dotted && !digits(part) || len(whole) > 3 {
		return 0, fmt.Errorf("weight %q is not a decimal from 1 to 100 with at most two places", text)
	}
	for len(part) < 2 {
		part += "0"
	}
	n, err := strconv.Atoi(whole + part)
	if err != nil {
		return 0, fmt.Errorf("weight %q: %w", text, err)
	}
	if w := Weight(n); w < MinWeight || w > MaxWeight {
		return 0, fmt.Errorf("weight %s is outside 1 to 100", text)
	}
	return Weight(n), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// String is the shortest decimal: "70", "2.25", "1.5".
func (w Weight) String() string {
	s := strconv.Itoa(int(w.Units()) / hundredths)
	if rest := int(w.Units()) % hundredths; rest != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%02d", rest), "0")
	}
	return s
}

// Units is the weight as a Seat's Weight.
func (w Weight) Units() int64 {
	if w == 0 {
		return int64(MinWeight)
	}
	return int64(w)
}

// UnmarshalText is ParseWeight.
func (w *Weight) UnmarshalText(text []byte) error {
	v, err := ParseWeight(string(text))
	if err == nil {
		*w = v
	}
	return err
}

// MarshalText is String.
func (w Weight) MarshalText() ([]byte, error) { return []byte(w.String()), nil }
