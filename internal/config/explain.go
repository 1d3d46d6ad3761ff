package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Explain writes the configuration that v, a struct or a pointer to one, holds
// as YAML that Parse reads back to the same, with each key's doc as a comment.
// Keys that are not set are comments. Secret values are written as "***".
func Explain(w io.Writer, v any) error {
	var e explainer
	e.section(reflect.Indirect(reflect.ValueOf(v)), 0, field{}, true)
	_, err := w.Write(e.out.Bytes())
	return err
}

// commentWidth is where comments are broken.
const commentWidth = 80

type explainer struct {
	out bytes.Buffer
}

func (e *explainer) line(indent int, format string, args ...any) {
	e.out.WriteString(strings.Repeat(" ", indent))
	fmt.Fprintf(&e.out, format, args...)
	e.out.WriteByte('\n')
}

// section writes the keys of a struct. docs is whether their comments are worth
// repeating here.
func (e *explainer) section(v reflect.Value, indent int, outer field, docs bool) {
	defaults := reflect.New(v.Type()).Elem()
	setDefaults(defaults)
	for _, f := range fields(v.Type()) {
		f.secret = f.secret || outer.secret
		if docs {
			e.comment(indent, f, v.Field(f.index), defaults.Field(f.index))
		}
		e.value(v.Field(f.index), indent, f.key, f, docs)
	}
}

func (e *explainer) comment(indent int, f field, v, def reflect.Value) {
	doc := f.doc
	if f.hasDefault && f.def != "" && !f.secret && !reflect.DeepEqual(v.Interface(), def.Interface()) {
		doc = strings.TrimSpace(doc + " Default: " + f.def + ".")
	}
	line := "#"
	for _, word := range strings.Fields(doc) {
		if len(line)+1+len(word)+indent > commentWidth && line != "#" {
			e.line(indent, "%s", line)
			line = "#"
		}
		line += " " + word
	}
	if line != "#" {
		e.line(indent, "%s", line)
	}
}

// value writes "key: value" and, where the value has parts, lines under it.
func (e *explainer) value(v reflect.Value, indent int, key string, f field, docs bool) {
	name := plain(key)
	switch {
	case v.Kind() == reflect.Pointer && !isText(v.Type()):
		if v.IsNil() {
			e.line(indent, "# %s:", name)
			return
		}
		if v.Elem().Kind() == reflect.Struct && !isText(v.Type().Elem()) {
			e.block(indent, name, " {}", func(in *explainer) { in.section(v.Elem(), indent+2, f, docs) })
			return
		}
		e.value(v.Elem(), indent, key, f, docs)
	case isScalar(v.Type()):
		if v.IsZero() && !f.hasDefault && refused(v, f) {
			e.line(indent, "# %s:", name)
			return
		}
		e.line(indent, "%s: %s", name, written(v, f))
	case v.Kind() == reflect.Struct:
		e.block(indent, name, "", func(in *explainer) { in.section(v, indent+2, f, docs) })
	case v.Kind() == reflect.Map:
		e.table(v, indent, name, f, docs)
	case v.Kind() == reflect.Slice:
		e.list(v, indent, name, f, docs)
	}
}

// block writes a section. empty follows its key where all else is comments: an
// optional section is only there if it has a value.
func (e *explainer) block(indent int, name, empty string, fill func(*explainer)) {
	var in explainer
	fill(&in)
	if firstKey(in.out.Bytes()) < 0 {
		e.line(indent, "%s:%s", name, empty)
	} else {
		e.line(indent, "%s:", name)
	}
	e.out.Write(in.out.Bytes())
}

func (e *explainer) table(v reflect.Value, indent int, name string, f field, docs bool) {
	if v.Len() == 0 {
		e.line(indent, "%s: {}", name)
		return
	}
	e.line(indent, "%s:", name)
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for i, k := range keys {
		e.value(v.MapIndex(k), indent+2, k.String(), f, docs && i == 0)
	}
}

func (e *explainer) list(v reflect.Value, indent int, name string, f field, docs bool) {
	if v.Len() == 0 {
		e.line(indent, "%s: []", name)
		return
	}
	if isScalar(v.Type().Elem()) {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = written(v.Index(i), f)
		}
		e.line(indent, "%s: [%s]", name, strings.Join(parts, ", "))
		return
	}
	e.line(indent, "%s:", name)
	for i := range v.Len() {
		e.element(reflect.Indirect(v.Index(i)), indent+2, f, docs && i == 0)
	}
}

// element writes a struct of a list: the dash stands before its first key,
// under that key's comment.
func (e *explainer) element(v reflect.Value, indent int, f field, docs bool) {
	var in explainer
	if v.Kind() == reflect.Struct {
		in.section(v, indent+2, f, docs)
	}
	body := in.out.Bytes()
	at := firstKey(body)
	if at < 0 {
		e.line(indent, "- {}")
	} else {
		body[at+indent] = '-'
	}
	e.out.Write(body)
}

// firstKey is where the first line that is no comment begins, or -1.
func firstKey(body []byte) int {
	at := 0
	for line := range bytes.Lines(body) {
		if !bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("#")) {
			return at
		}
		at += len(line)
	}
	return -1
}

// refused is whether the loader would not take the value, so that it can only
// mean "absent".
func refused(v reflect.Value, f field) bool {
	return len(f.enum) > 0 && !slices.Contains(f.enum, text(v)) || bounds(v, f) != ""
}

// written is a scalar as it stands in the file.
func written(v reflect.Value, f field) string {
	if f.secret && !v.IsZero() {
		return `"***"`
	}
	switch {
	case isText(v.Type()):
		return plain(text(v))
	case v.Kind() == reflect.String:
		if looksLikeNumber(v.String()) {
			return strconv.Quote(v.String())
		}
		return plain(v.String())
	}
	return text(v)
}

func looksLikeNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// plain is s without quotes where it cannot be taken for anything else.
func plain(s string) string {
	const marks = "_./:%+-"
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (!strings.ContainsRune(marks, rune(c)) || i == 0 && c != '/' || i == len(s)-1 && c == ':') {
			return strconv.Quote(s)
		}
	}
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(s)
	}
	return s
}
