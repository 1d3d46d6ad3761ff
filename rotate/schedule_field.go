package rotate

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// field is what one field of a cron expression allows.
type field struct {
	name     string
	min, max int
	top      int    // greatest number accepted: max, or 7 where that is Sunday again
	names    string // three letters each, from min on; "" for none
}

// cronFields returns the fields in their order.
func cronFields() [6]field {
	return [6]field{
		{name: "second", max: 59, top: 59},
		{name: "minute", max: 59, top: 59},
		{name: "hour", max: 23, top: 23},
		{name: "day of month", min: 1, max: 31, top: 31},
		{name: "month", min: 1, max: 12, top: 12, names: "janfebmaraprmayjunjulaugsepoctnovdec"},
		{name: "day of week", max: 6, top: 7, names: "sunmontuewedthufrisat"},
	}
}

// Positions in a fieldSet.
const (
	hourField  = 2
	domField   = 3
	monthField = 4
	dowField   = 5
)

// value is one field that was read.
type value struct {
	set  uint64 // bit n: n matches
	star bool   // written as * or ?, so it restricts nothing
}

// fieldSet is a whole expression that was read.
type fieldSet [6]value

// readFields reads an expression without zone prefix, or a descriptor other
// than @every.
func readFields(text string) (fieldSet, error) {
	if strings.HasPrefix(text, "@") {
		plain, err := describe(text)
		if err != nil {
			return fieldSet{}, err
		}
		text = plain
	}
	words := strings.Fields(text)
	if len(words) != 5 && len(words) != 6 {
		return fieldSet{}, fmt.Errorf("has %d fields, want 5 (minute hour day month weekday) or 6 (second first)", len(words))
	}
	if len(words) == 5 {
		words = append([]string{"0"}, words...)
	}
	var out fieldSet
	for i, f := range cronFields() {
		v, err := f.read(words[i])
		if err != nil {
			return fieldSet{}, fmt.Errorf("%s %s: %w", f.name, quoteSpec(words[i]), err)
		}
		out[i] = v
	}
	if !out.hasDay() {
		return fieldSet{}, fmt.Errorf("would never run: no month that it names has such a day")
	}
	return out, nil
}

// describe returns the expression that a descriptor stands for.
func describe(text string) (string, error) {
	switch strings.ToLower(text) {
	case "@yearly", "@annually":
		return "0 0 1 1 *", nil
	case "@monthly":
		return "0 0 1 * *", nil
	case "@weekly":
		return "0 0 * * 0", nil
	case "@daily", "@midnight":
		return "0 0 * * *", nil
	case "@hourly":
		return "0 * * * *", nil
	case "@reboot":
		return "", fmt.Errorf("@reboot is no time; a log that is left from before turns by size or by the next run")
	}
	return "", fmt.Errorf("is not one of @hourly @daily @midnight @weekly @monthly @yearly @annually @every")
}

// cutWord takes a word off the front, whatever its case.
func cutWord(text, word string) (rest string, ok bool) {
	head, rest, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	if !strings.EqualFold(head, word) {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

// read reads one field: a list of items.
func (f field) read(text string) (value, error) {
	var v value
	for item := range strings.SplitSeq(text, ",") {
		if item == "" {
			return value{}, fmt.Errorf("the list has an empty item")
		}
		one, err := f.readItem(item)
		if err != nil {
			return value{}, err
		}
		v.set |= one.set
		v.star = v.star || one.star
	}
	return v, nil
}

// readItem reads *, n, a-b, each with an optional /step.
func (f field) readItem(item string) (value, error) {
	rng, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		var err error
		if step, err = f.readStep(stepText); err != nil {
			return value{}, err
		}
	}
	lo, hi, star, err := f.readRange(rng, stepped)
	if err != nil {
		return value{}, err
	}
	size := f.max - f.min + 1
	if hi < lo {
		hi += size // a range that wraps around
	}
	var v value
	for n := lo; n <= hi; n += step {
		v.set |= 1 << ((n-f.min)%size + f.min)
	}
	v.star = star && step == 1
	return v, nil
}

func (f field) readRange(text string, stepped bool) (lo, hi int, star bool, err error) {
	if text == "*" || text == "?" {
		return f.min, f.max, true, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if from == "*" || from == "?" {
		return 0, 0, false, fmt.Errorf("a range begins with a number, not with %s", from)
	}
	if lo, err = f.readNumber(from); err != nil {
		return 0, 0, false, err
	}
	switch {
	case ranged:
		if hi, err = f.readNumber(to); err != nil {
			return 0, 0, false, err
		}
	case stepped:
		lo, hi = f.fold(lo), f.max // n/step is n-max/step
	default:
		hi = lo
	}
	if ranged && lo > f.max {
		lo = f.fold(lo)
		hi = f.fold(hi)
	}
	return lo, hi, false, nil
}

// fold makes Sunday 0.
func (f field) fold(n int) int {
	if n > f.max {
		return f.min
	}
	return n
}

func (f field) readNumber(text string) (int, error) {
	if i := strings.Index(f.names, strings.ToLower(text)); len(text) == 3 && i >= 0 && i%3 == 0 {
		return f.min + i/3, nil
	}
	n, err := digits(text)
	if err != nil {
		return 0, err
	}
	if n < f.min || n > f.top {
		return 0, fmt.Errorf("%d is not within %d-%d", n, f.min, f.top)
	}
	return n, nil
}

func (f field) readStep(text string) (int, error) {
	n, err := digits(text)
	if err != nil {
		return 0, fmt.Errorf("step: %w", err)
	}
	if n < 1 || n > f.max-f.min {
		return 0, fmt.Errorf("step %d is not within 1-%d: it would match the first value only", n, f.max-f.min)
	}
	return n, nil
}

// digits reads a number of at most four digits and nothing else: no sign, no
// blank, no other notation.
func digits(text string) (int, error) {
	if text == "" {
		return 0, fmt.Errorf("a number is missing")
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%s is not a number", quoteSpec(text))
		}
	}
	if len(text) > 4 {
		return 0, fmt.Errorf("%s is too large", quoteSpec(text))
	}
	return strconv.Atoi(text)
}

// hasDay reports whether any date can match.
func (s fieldSet) hasDay() bool {
	if !s[domField].star && !s[dowField].star {
		return true // either suffices, and every weekday comes
	}
	longest := [13]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	first := bits.TrailingZeros64(s[domField].set)
	for m := 1; m <= 12; m++ {
		if s[monthField].set&(1<<m) != 0 && first <= longest[m] {
			return true
		}
	}
	return false
}

// allHours reports whether every hour matches.
func (s fieldSet) allHours() bool { return s[hourField].set == 1<<24-1 }

// warn is Schedule.Warn.
func (s fieldSet) warn() string {
	if s[domField].star || s[dowField].star {
		return ""
	}
	return "runs on the named days of the month and also on the named weekdays, not only where both agree"
}

// text is the expression in the one notation that leaves the library nothing to
// interpret: lists of numbers, and * for what restricts nothing.
func (s fieldSet) text() string {
	words := make([]string, len(s))
	for i, v := range s {
		if v.star {
			words[i] = "*"
			continue
		}
		var list []string
		for n := range 64 {
			if v.set&(1<<n) != 0 {
				list = append(list, strconv.Itoa(n))
			}
		}
		words[i] = strings.Join(list, ",")
	}
	return strings.Join(words, " ")
}
