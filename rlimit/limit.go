package rlimit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/reeveproxy/reeve/internal/config"
)

// Unlimited is the number that means no limit.
const Unlimited = math.MaxUint64

// Limit is a soft and a hard limit in the kernel's unit of its resource: bytes,
// seconds (cpu), microseconds (rttime) or a count. The soft one is in force; the
// program may raise it up to the hard one.
type Limit struct {
	Soft, Hard uint64
}

// Count is a Limit that is written in plain numbers: "4096:8192", "infinity".
type Count Limit

// Bytes is a Limit that is written in sizes: "64MiB", "8MiB:infinity", "0".
type Bytes Limit

// Seconds is a Limit that is written in durations or seconds: "2m:6m", "120:360".
type Seconds Limit

// Micros is a Limit that is written in durations or microseconds: "200ms".
type Micros Limit

// UnmarshalText reads soft:hard or one number for both.
func (l *Count) UnmarshalText(text []byte) error { return (*Limit)(l).read(count, string(text)) }

// UnmarshalText reads soft:hard or one size for both.
func (l *Bytes) UnmarshalText(text []byte) error { return (*Limit)(l).read(bytes, string(text)) }

// UnmarshalText reads soft:hard or one time for both.
func (l *Seconds) UnmarshalText(text []byte) error { return (*Limit)(l).read(seconds, string(text)) }

// UnmarshalText reads soft:hard or one time for both.
func (l *Micros) UnmarshalText(text []byte) error { return (*Limit)(l).read(micros, string(text)) }

// Want says how it is written.
func (l Count) Want() string { return "a limit like 4096:8192" }

// Want says how it is written.
func (l Bytes) Want() string { return "a limit like 64MiB or 64MiB:128MiB" }

// Want says how it is written.
func (l Seconds) Want() string { return "a limit like 2m or 2m:6m" }

// Want says how it is written.
func (l Micros) Want() string { return "a limit like 200ms or 200ms:1s" }

// MarshalText is the notation that UnmarshalText reads.
func (l Count) MarshalText() ([]byte, error) { return []byte(Limit(l).text(count)), nil }

// MarshalText is the notation that UnmarshalText reads.
func (l Bytes) MarshalText() ([]byte, error) { return []byte(Limit(l).text(bytes)), nil }

// MarshalText is the notation that UnmarshalText reads.
func (l Seconds) MarshalText() ([]byte, error) { return []byte(Limit(l).text(seconds)), nil }

// MarshalText is the notation that UnmarshalText reads.
func (l Micros) MarshalText() ([]byte, error) { return []byte(Limit(l).text(micros)), nil }

// ParseLimit reads a limit in the notation of its resource. The error names
// neither the resource nor a place.
func ParseLimit(r Resource, text string) (Limit, error) {
	a, ok := lookup(r)
	if !ok {
		return Limit{}, unknown(string(r))
	}
	var l Limit
	if err := l.read(a.unit, text); err != nil {
		return Limit{}, err
	}
	return l, nil
}

// Text is the limit in the notation of its resource: "64MiB", "2m:6m",
// "4096:8192", "infinity".
func (l Limit) Text(r Resource) string {
	a, _ := lookup(r)
	return l.text(a.unit)
}

// String is the limit in plain numbers.
func (l Limit) String() string { return l.text(count) }

func (l *Limit) read(u unit, text string) error {
	soft, hard, two := strings.Cut(text, ":")
	s, err := number(u, soft)
	if err != nil {
		return err
	}
	h := s
	if two {
		if h, err = number(u, hard); err != nil {
			return err
		}
	}
	if s > h {
		return fmt.Errorf("soft limit %s is above hard limit %s", strings.TrimSpace(soft), strings.TrimSpace(hard))
	}
	*l = Limit{Soft: s, Hard: h}
	return nil
}

// number reads one side of a limit.
func number(u unit, text string) (uint64, error) {
	t := strings.TrimSpace(text)
	switch t {
	case "infinity", "unlimited":
		return Unlimited, nil
	case "":
		return 0, fmt.Errorf("a side of the limit is empty, want soft:hard or one %s for both", u)
	}
	if n, err := strconv.ParseUint(t, 10, 64); err == nil && n < Unlimited {
		return n, nil
	}
	switch u {
	case bytes:
		var s config.Size
		if s.UnmarshalText([]byte(t)) == nil {
			return uint64(s), nil
		}
	case seconds:
		return span(u, t, time.Second)
	case micros:
		return span(u, t, time.Microsecond)
	}
	return 0, fmt.Errorf("%q is not a %s or infinity", t, u)
}

// span reads a duration that is a whole number of the kernel's unit.
func span(u unit, text string, each time.Duration) (uint64, error) {
	var d config.Duration
	if d.UnmarshalText([]byte(text)) != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a %s or infinity", text, u)
	}
	if d.Std()%each != 0 {
		return 0, fmt.Errorf("%q is finer than the kernel counts, want a multiple of %s", text, each)
	}
	return uint64(d.Std() / each), nil
}

func (l Limit) text(u unit) string {
	if l.Soft == l.Hard {
		return side(u, l.Soft)
	}
	return side(u, l.Soft) + ":" + side(u, l.Hard)
}

func side(u unit, n uint64) string {
	const longest = uint64(math.MaxInt64 / int64(time.Second))
	switch {
	case n == Unlimited:
		return "infinity"
	case u == bytes && n >= 1024 && n%1024 == 0 && n <= math.MaxInt64:
		return config.Size(n).String()
	case u == seconds && n >= 1 && n <= longest:
		return config.Duration(time.Duration(n) * time.Second).String()
	case u == micros && n >= 1 && n <= longest:
		return config.Duration(time.Duration(n) * time.Microsecond).String()
	}
	return strconv.FormatUint(n, 10)
}

// String is what a number of the unit looks like, for messages.
func (u unit) String() string {
	switch u {
	case bytes:
		return "size like 64MiB"
	case seconds:
		return "time like 2m or a number of seconds"
	case micros:
		return "time like 200ms or a number of microseconds"
	}
	return "whole number from 0"
}
