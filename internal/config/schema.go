package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Schema returns the JSON schema (draft 2020-12) of v's type, a struct or a
// pointer to one, for editors. It says what Parse accepts apart from bounds of
// durations and sizes, which are in the descriptions, and from what Validate
// knows.
func Schema(v any) ([]byte, error) {
	root := section(reflect.Indirect(reflect.ValueOf(v)).Type())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(out, '\n'), nil
}

// object is a part of a schema; encoding/json sorts its keys.
type object = map[string]any

func section(t reflect.Type) object {
	properties := object{}
	for _, f := range fields(t) {
		p := property(f.typ, f)
		if d := describe(f); d != "" {
			p["description"] = d
		}
		if f.hasDefault && !f.secret {
			p["default"] = defaultOf(f)
		}
		if f.secret {
			p["writeOnly"] = true
		}
		properties[f.key] = p
	}
	return object{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}

// property describes values of a type; f has the tags of the field that it
// belongs to.
func property(t reflect.Type, f field) object {
	switch {
	case t.Kind() == reflect.Pointer && !isText(t):
		return property(t.Elem(), f)
	case isScalar(t):
		return scalarSchema(t, f)
	case t.Kind() == reflect.Struct:
		return section(t)
	case t.Kind() == reflect.Slice:
		return object{"type": []string{"array", "null"}, "items": property(t.Elem(), f)}
	case t.Kind() == reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": property(t.Elem(), f)}
	}
	panic(fmt.Sprintf("internal error: no notation for %s", t))
}

// scalarSchema allows null, which means the default, and for texts what YAML
// itself takes for a number or a boolean, because Parse reads it as written.
func scalarSchema(t reflect.Type, f field) object {
	if len(f.enum) > 0 {
		values := make([]any, 0, len(f.enum)+1)
		for _, e := range f.enum {
			values = append(values, jsonValue(t, e))
		}
		return object{"enum": append(values, nil)}
	}
	switch {
	case isText(t):
		return object{"type": []string{"string", "number", "null"}}
	case t.Kind() == reflect.String:
		return object{"type": []string{"string", "number", "boolean", "null"}}
	case t.Kind() == reflect.Bool:
		return object{"type": []string{"boolean", "null"}}
	}
	kind := "integer"
	if t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64 {
		kind = "number"
	}
	out := object{"type": []string{kind, "null"}}
	if kind == "integer" && reflect.Zero(t).CanUint() {
		out["minimum"] = 0
	}
	if f.min != "" {
		out["minimum"] = jsonValue(t, f.min)
	}
	if f.max != "" {
		out["maximum"] = jsonValue(t, f.max)
	}
	return out
}

// describe is the doc, with the notation and bounds that the schema itself
// cannot say.
func describe(f field) string {
	w := word(f.typ)
	if w == nil || !isText(w) {
		return f.doc
	}
	extra := want(w)
	if f.min != "" {
		extra += ", at least " + f.min
	}
	if f.max != "" {
		extra += ", at most " + f.max
	}
	return strings.TrimSpace(f.doc + " (" + extra + ")")
}

func defaultOf(f field) any {
	if w := word(f.typ); w != nil && f.typ.Kind() == reflect.Slice {
		v := reflect.New(f.typ).Elem()
		if err := setDefault(v, f.def); err != nil {
			return f.def
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = jsonValue(w, text(v.Index(i)))
		}
		return list
	}
	if w := word(f.typ); w != nil {
		return jsonValue(w, f.def)
	}
	return f.def
}

// jsonValue is a value in the file's notation as JSON has it.
func jsonValue(t reflect.Type, notation string) any {
	if isText(t) || t.Kind() == reflect.String {
		return notation
	}
	v := reflect.New(t).Elem()
	if err := setScalar(v, notation); err != nil {
		panic(fmt.Sprintf("internal error: %v", err))
	}
	return v.Interface()
}
