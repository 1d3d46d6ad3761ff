package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that reads and prints as "1m30s".
type Duration time.Duration

// Std returns it as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is the shortest notation: "1m30s", "500ms", "0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// Want says how it is written.
func (d Duration) Want() string { return "a duration like 10s" }

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "10s", "1m30s", "500ms", and days as in "7d". A bare
// number other than 0 is refused, because its unit is a guess.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || math.IsNaN(n) || math.Abs(n) > 36500 {
			return fmt.Errorf("%q is not a duration like 10s, 1m30s or 7d", s)
		}
		*d = Duration(n * 24 * float64(time.Hour))
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration like 10s, 1m30s or 7d", s)
	}
	*d = Duration(v)
	return nil
}

// Size is a number of bytes that reads and prints as "64MiB".
type Size int64

// Bytes returns it as a plain number.
func (s Size) Bytes() int64 { return int64(s) }

var sizeUnits = [...]struct {
	name string
	n    int64
}{
	{"EiB", 1 << 60}, {"PiB", 1 << 50}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"EB", 1e18}, {"PB", 1e15}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3},
	{"E", 1 << 60}, {"P", 1 << 50}, {"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"k", 1 << 10},
	{"B", 1},
}

// String uses the largest binary unit that divides the size: "64MiB", "1500B".
func (s Size) String() string {
	for _, u := range sizeUnits[:6] {
		if s != 0 && int64(s)%u.n == 0 {
			return strconv.FormatInt(int64(s)/u.n, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// Want says how it is written.
func (s Size) Want() string { return "a size like 64MiB" }

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "64MiB", "1.5GiB", "10MB" (powers of ten), "64M" (powers
// of two, as ulimit and systemd mean it) and a plain number of bytes.
func (s *Size) UnmarshalText(text []byte) error {
	in := strings.TrimSpace(string(text))
	number, unit := in, int64(1)
	for _, u := range sizeUnits {
		if n, ok := strings.CutSuffix(in, u.name); ok {
			number, unit = strings.TrimSpace(n), u.n
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n < 0 || n > math.MaxInt64/unit {
			return fmt.Errorf("%q is not a size between 0 and 8EiB", in)
		}
		*s = Size(n * unit)
		return nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f*float64(unit) >= math.MaxInt64 {
		return fmt.Errorf("%q is not a size like 64MiB, 10MB or 4096", in)
	}
	*s = Size(f * float64(unit))
	return nil
}
