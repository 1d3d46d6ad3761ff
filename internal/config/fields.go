package config

import (
	"fmt"
	"reflect"
)

// Field is one key of the file, for tables in documents.
type Field struct {
	Key     string // "watchdog.probes[].url"; "*" stands for a name: "pools.*.members"
	Type    string // "duration", "list of text", "section"
	Default string // in the file's notation; empty where there is none
	Doc     string
}

// Fields returns all keys of v's type, a struct or a pointer to one, each
// section before its parts. It panics on tags that do not fit their field, so
// that a test which calls it has checked them.
func Fields(v any) []Field {
	return walk(nil, reflect.Indirect(reflect.ValueOf(v)).Type(), "")
}

func walk(out []Field, t reflect.Type, under string) []Field {
	setDefaults(reflect.New(t).Elem())
	for _, f := range fields(t) {
		mustFit(f)
		key := Join(under, f.key)
		out = append(out, Field{Key: key, Type: kindName(f.typ), Default: f.def, Doc: f.doc})
		if s, suffix := parts(f.typ); s != nil {
			out = walk(out, s, key+suffix)
		}
	}
	return out
}

// parts is the struct type inside t, if there is one, and what its keys stand
// under: "[]" for lists, ".*" for maps.
func parts(t reflect.Type) (reflect.Type, string) {
	suffix := ""
	for {
		switch {
		case isScalar(t):
			return nil, ""
		case t.Kind() == reflect.Struct:
			return t, suffix
		case t.Kind() == reflect.Pointer:
		case t.Kind() == reflect.Slice:
			suffix += "[]"
		case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
			suffix += ".*"
		default:
			panic(fmt.Sprintf("internal error: no notation for %s", t))
		}
		t = t.Elem()
	}
}

// word is the scalar type that a field's enum and bounds speak of, or nil.
func word(t reflect.Type) reflect.Type {
	for !isScalar(t) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			t = t.Elem()
		default:
			return nil
		}
	}
	return t
}

// mustFit panics on enum and bounds that the field cannot have.
func mustFit(f field) {
	w := word(f.typ)
	if w == nil {
		if f.min+f.max != "" || f.enum != nil {
			panic(fmt.Sprintf("internal error: key %s is a section and has an enum or bounds", f.key))
		}
		return
	}
	v := reflect.New(w).Elem()
	bounds(v, f)
	if f.min != "" && f.max != "" {
		if err := setScalar(v, f.min); err != nil || compareTo(v, f.max, f) > 0 {
			panic(fmt.Sprintf("internal error: key %s has min %s and max %s", f.key, f.min, f.max))
		}
	}
	for _, e := range f.enum {
		if err := setScalar(v, e); err != nil {
			panic(fmt.Sprintf("internal error: key %s: enum: %v", f.key, err))
		}
	}
}
