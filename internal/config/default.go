package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Default returns a T with the default of every field's tag, in nested structs
// too. It panics on a tag that does not fit its field, which is a mistake of
// the program, not of its user.
func Default[T any]() T {
	var v T
	setDefaults(reflect.ValueOf(&v).Elem())
	return v
}

func setDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		if text, ok := f.Tag.Lookup("default"); ok {
			if err := setDefault(v.Field(i), text); err != nil {
				panic(fmt.Sprintf("internal error: default of %s.%s: %v", t, f.Name, err))
			}
			continue
		}
		setDefaults(v.Field(i))
	}
}

// setDefault sets v, which may be optional or a list: "[GET, HEAD]".
func setDefault(v reflect.Value, text string) error {
	switch {
	case v.Kind() == reflect.Pointer && !isText(v.Type()):
		target := reflect.New(v.Type().Elem())
		v.Set(target)
		return setDefault(target.Elem(), text)
	case v.Kind() == reflect.Slice && !isText(v.Type()):
		inner := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
		if inner == "" {
			return nil
		}
		for _, part := range strings.Split(inner, ",") {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := setScalar(e, strings.TrimSpace(part)); err != nil {
				return err
			}
			v.Set(reflect.Append(v, e))
		}
		return nil
	}
	return setScalar(v, text)
}

// setScalar sets v from the notation of the file.
func setScalar(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a whole number from 0", text)
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(n)
	default:
		return fmt.Errorf("a value of type %s cannot be written as %q", v.Type(), text)
	}
	return nil
}
