package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// maxValues bounds the walk over a file whose aliases multiply.
const maxValues = 500_000

// maxProblems is how many problems are told of one file.
const maxProblems = 1000

// binder puts nodes into structs and collects all that does not fit.
type binder struct {
	file     string
	problems []Problem
	places   map[string]place // of every key that the file has
	values   int
}

func (b *binder) report(at place, key, format string, args ...any) {
	if len(b.problems) == maxProblems {
		b.problems = append(b.problems, Problem{Message: fmt.Sprintf("more than %d problems, the rest is not shown", maxProblems)})
	}
	if len(b.problems) > maxProblems {
		return
	}
	b.problems = append(b.problems, Problem{Line: at.line, Column: at.column, Key: key, Message: fmt.Sprintf(format, args...)})
}

// bind puts n, which stands under the key, into v. tags are those of the field
// that v is or is an element of.
func (b *binder) bind(v reflect.Value, n *node, key string, tags field) {
	b.values++
	if b.values > maxValues {
		if b.values == maxValues+1 {
			b.report(n.at, key, "more than %d values with all aliases in place", maxValues)
		}
		return
	}
	if n.shape == null {
		return
	}
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer && !isText(t):
		target := reflect.New(t.Elem())
		setDefaults(target.Elem())
		b.bind(target.Elem(), n, key, tags)
		v.Set(target)
	case isScalar(t):
		b.scalar(v, n, key, tags)
	case t.Kind() == reflect.Struct:
		b.section(v, n, key, tags)
	case t.Kind() == reflect.Slice:
		b.list(v, n, key, tags)
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		b.table(v, n, key, tags)
	default:
		b.report(n.at, key, "internal error: no notation for %s", t)
	}
}

func (b *binder) section(v reflect.Value, n *node, key string, tags field) {
	if n.shape != table {
		b.report(n.at, key, "got %s, want a section with keys", n.what(tags.secret))
		return
	}
	known := fields(v.Type())
	for _, p := range n.pairs {
		under := Join(key, p.key)
		i := slices.IndexFunc(known, func(f field) bool { return f.key == p.key })
		if i < 0 {
			b.report(p.at, under, "%s", unknownKey(p, known))
			continue
		}
		b.place(under, p.at, p.value)
		f := known[i]
		f.secret = f.secret || tags.secret
		b.bind(v.Field(f.index), p.value, under, f)
	}
}

func unknownKey(p pair, known []field) string {
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.key
	}
	if near := Nearest(p.key, names); near != "" {
		return fmt.Sprintf("unknown key %s, did you mean %q?", short(p.key), near)
	}
	if len(names) == 0 {
		return fmt.Sprintf("unknown key %s, no key is known here", short(p.key))
	}
	slices.Sort(names)
	return fmt.Sprintf("unknown key %s, want one of %s", short(p.key), strings.Join(names, ", "))
}

func (b *binder) list(v reflect.Value, n *node, key string, tags field) {
	if n.shape != list {
		hint := ""
		if n.shape == scalar && isScalar(v.Type().Elem()) && !tags.secret {
			hint = fmt.Sprintf(": write [%s]", shown(n))
		}
		b.report(n.at, key, "got %s, want a list%s", n.what(tags.secret), hint)
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		under := Index(key, i)
		b.place(under, item.at, item)
		setDefaults(out.Index(i))
		if item.shape == null && isScalar(v.Type().Elem()) {
			b.report(item.at, under, "got nothing, want %s", want(v.Type().Elem()))
			continue
		}
		b.bind(out.Index(i), item, under, tags)
	}
	v.Set(out)
}

// shown is a scalar as it can be written in the file again.
func shown(n *node) string {
	if n.quoted {
		return short(n.text)
	}
	return strings.Trim(short(n.text), `"`)
}

func (b *binder) table(v reflect.Value, n *node, key string, tags field) {
	if n.shape != table {
		b.report(n.at, key, "got %s, want names with values", n.what(tags.secret))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.pairs))
	for _, p := range n.pairs {
		under := Join(key, p.key)
		b.place(under, p.at, p.value)
		e := reflect.New(v.Type().Elem()).Elem()
		setDefaults(e)
		b.bind(e, p.value, under, tags)
		out.SetMapIndex(reflect.ValueOf(p.key).Convert(v.Type().Key()), e)
	}
	v.Set(out)
}

// place remembers where a key is: at its value where that is one word, which is
// what most problems are about.
func (b *binder) place(key string, at place, value *node) {
	if value.shape == scalar {
		at = value.at
	}
	b.places[key] = at
}

// locate gives a problem the place of its key or of the nearest one around it.
func (b *binder) locate(p Problem) Problem {
	if p.Line > 0 {
		return p
	}
	for key := p.Key; key != ""; key = around(key) {
		if at, ok := b.places[key]; ok {
			p.Line, p.Column = at.line, at.column
			break
		}
	}
	return p
}

// around is the key without its last part.
func around(key string) string {
	return key[:max(strings.LastIndexAny(key, ".["), 0)]
}

// validate asks the configuration itself. What concerns a key that is already
// reported, or one around or under it, is only a consequence.
func (b *binder) validate(v any) {
	validator, ok := v.(Validator)
	if !ok {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			b.report(place{}, "", "internal error: validation gave up: %v", p)
		}
	}()
	told := slices.Clone(b.problems)
	for _, p := range List(validator.Validate()) {
		if slices.ContainsFunc(told, func(q Problem) bool { return related(p.Key, q.Key) }) {
			continue
		}
		p = b.locate(p)
		b.report(place{p.Line, p.Column}, p.Key, "%s", p.Message)
	}
}

// related is whether one key is the other or stands under it.
func related(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if b == "" || !strings.HasPrefix(a, b) {
		return false
	}
	return len(a) == len(b) || a[len(b)] == '.' || a[len(b)] == '['
}

// err returns the problems by line; those without one last.
func (b *binder) err() error {
	slices.SortStableFunc(b.problems, func(x, y Problem) int {
		switch {
		case x.Line == 0 || y.Line == 0:
			return y.Line - x.Line
		case x.Line != y.Line:
			return x.Line - y.Line
		}
		return cmp.Compare(x.Column, y.Column)
	})
	var all Problems
	for i := range b.problems {
		b.problems[i].File = b.file
		all.put(&b.problems[i])
	}
	return all.Err()
}
