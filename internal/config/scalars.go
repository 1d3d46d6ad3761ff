package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// scalar reads one word into v and holds it against the field's tags.
func (b *binder) scalar(v reflect.Value, n *node, key string, tags field) {
	if n.shape != scalar {
		b.report(n.at, key, "got %s, want %s", n.what(tags.secret), want(v.Type()))
		return
	}
	got := reflect.New(v.Type()).Elem()
	if err := readScalar(got, n); err != nil {
		if tags.secret {
			// The reader's own words may quote the value.
			b.report(n.at, key, "the secret value is not %s", want(v.Type()))
		} else {
			b.report(n.at, key, "%v", err)
		}
		return
	}
	if len(tags.enum) > 0 && !slices.Contains(tags.enum, n.text) {
		b.report(n.at, key, "%s", notAllowed(n, tags))
		return
	}
	if problem := bounds(got, tags); problem != "" {
		if tags.secret {
			problem = fmt.Sprintf("the secret value is out of bounds (min %q, max %q)", tags.min, tags.max)
		}
		b.report(n.at, key, "%s", problem)
		return
	}
	v.Set(got)
}

// readScalar reads the word as the type wants it written.
func readScalar(v reflect.Value, n *node) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(n.text))
	}
	mismatch := func() error { return fmt.Errorf("got %s, want %s", n.what(false), want(v.Type())) }
	if v.Kind() == reflect.String {
		v.SetString(n.text)
		return nil
	}
	if n.quoted {
		return mismatch()
	}
	switch v.Kind() {
	case reflect.Bool:
		switch n.text {
		case "true", "True", "TRUE":
			v.SetBool(true)
		case "false", "False", "FALSE":
			v.SetBool(false)
		default:
			return mismatch()
		}
		return nil
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(n.text, v.Type().Bits())
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return mismatch()
		}
		v.SetFloat(f)
		return nil
	}
	return readWhole(v, n, mismatch)
}

func readWhole(v reflect.Value, n *node, mismatch func() error) error {
	digits := strings.TrimLeft(n.text, "+-")
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return fmt.Errorf("%s is octal to some and decimal to others, write 0o%s or leave the zeros out",
			n.text, strings.TrimLeft(digits, "0"))
	}
	var err error
	if v.CanInt() {
		var i int64
		if i, err = strconv.ParseInt(n.text, 0, v.Type().Bits()); err == nil {
			v.SetInt(i)
		}
	} else {
		var u uint64
		if u, err = strconv.ParseUint(strings.TrimPrefix(n.text, "+"), 0, v.Type().Bits()); err == nil {
			v.SetUint(u)
		}
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return fmt.Errorf("%s is too large", n.text)
	}
	if err != nil {
		return mismatch()
	}
	return nil
}

func notAllowed(n *node, tags field) string {
	if tags.secret {
		return "the secret value is not one of those allowed"
	}
	if near := Nearest(n.text, tags.enum); near != "" {
		return fmt.Sprintf("got %s, want one of %s; did you mean %q?", short(n.text), strings.Join(tags.enum, ", "), near)
	}
	return fmt.Sprintf("got %s, want one of %s", short(n.text), strings.Join(tags.enum, ", "))
}

// bounds says how a value is outside the field's min and max, or "".
func bounds(v reflect.Value, tags field) string {
	if tags.min != "" && compareTo(v, tags.min, tags) < 0 {
		return fmt.Sprintf("%s is below %s, the least allowed", text(v), tags.min)
	}
	if tags.max != "" && compareTo(v, tags.max, tags) > 0 {
		return fmt.Sprintf("%s is above %s, the most allowed", text(v), tags.max)
	}
	return ""
}

// compareTo compares v with a bound in the file's notation. It panics on a bound
// that does not fit the field, which is a mistake of the program.
func compareTo(v reflect.Value, bound string, tags field) int {
	limit := reflect.New(v.Type()).Elem()
	if err := setScalar(limit, bound); err != nil {
		panic(fmt.Sprintf("internal error: bound of key %s: %v", tags.key, err))
	}
	switch {
	case v.CanInt():
		return order(v.Int() < limit.Int(), v.Int() > limit.Int())
	case v.CanUint():
		return order(v.Uint() < limit.Uint(), v.Uint() > limit.Uint())
	case v.CanFloat():
		return order(v.Float() < limit.Float(), v.Float() > limit.Float())
	}
	panic(fmt.Sprintf("internal error: key %s of type %s cannot have bounds", tags.key, v.Type()))
}

func order(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// text is a scalar in the file's notation.
func text(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if out, err := m.MarshalText(); err == nil {
			return string(out)
		}
	}
	if v.CanAddr() {
		if m, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
			if out, err := m.MarshalText(); err == nil {
				return string(out)
			}
		}
	}
	return fmt.Sprint(v.Interface())
}
