package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Wanter is a scalar that says in words how it is written, for messages, the
// schema and tables: "a duration like 10s". A TextUnmarshaler may have it.
type Wanter interface {
	Want() string
}

var (
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
	wantType = reflect.TypeFor[Wanter]()
)

// isText is whether values of the type read themselves from text.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// isScalar is whether a value of the type stands as one word in the file.
func isScalar(t reflect.Type) bool {
	if isText(t) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface,
		reflect.Func, reflect.Chan, reflect.Array:
		return false
	}
	return true
}

// want says what a value of the type looks like in the file.
func want(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return want(t.Elem())
	}
	if reflect.PointerTo(t).Implements(wantType) {
		return reflect.New(t).Interface().(Wanter).Want()
	}
	if isText(t) {
		return "one value"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	}
	return "a section with keys"
}

// kindName is the type's name in tables: "duration", "list of text".
func kindName(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return kindName(t.Elem())
	case isScalar(t):
		w, _, _ := strings.Cut(want(t), " like ")
		w = strings.TrimPrefix(strings.TrimPrefix(w, "a "), "one ")
		w, _, _ = strings.Cut(w, " from ")
		return w
	case t.Kind() == reflect.Slice:
		return "list of " + kindName(t.Elem())
	case t.Kind() == reflect.Map:
		return "map of " + kindName(t.Elem())
	}
	return "section"
}

// field is what the tags say about one key.
type field struct {
	index      int
	key        string
	doc        string
	def        string
	hasDefault bool
	enum       []string
	min, max   string
	secret     bool
	typ        reflect.Type
}

// fields reads the tags of a struct type. Fields without a yaml tag are not the
// file's.
func fields(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" || !f.IsExported() {
			continue
		}
		x := field{index: i, key: key, doc: f.Tag.Get("doc"), min: f.Tag.Get("min"), max: f.Tag.Get("max"),
			secret: f.Tag.Get("secret") == "true", typ: f.Type}
		x.def, x.hasDefault = f.Tag.Lookup("default")
		if e := f.Tag.Get("enum"); e != "" {
			for _, v := range strings.Split(e, ",") {
				x.enum = append(x.enum, strings.TrimSpace(v))
			}
		}
		out = append(out, x)
	}
	return out
}

// short is a text in quotes, cut where it is too long for a message.
func short(s string) string {
	const most = 80
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return fmt.Sprintf("%q", s)
}
