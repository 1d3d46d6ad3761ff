package config

import (
	"fmt"
	"reflect"
)

// Parse reads a YAML document into the struct that into points to. Every
// default is set first. All problems come at once, sorted by line, and into is
// untouched then. An empty document is all defaults; a key without a value has
// its default.
//
// Where *into is a Validator, it has its say after the binding, and its
// problems are given the line of the key that they name, or of the nearest key
// around it that the file has.
//
// The name is for messages. Anything but a pointer to a struct panics.
func Parse(name string, data []byte, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("internal error: config cannot be read into %T, want a pointer to a struct", into))
	}
	b := binder{file: name, places: map[string]place{}}
	root, problems := read(data)
	b.problems = problems
	fresh := reflect.New(target.Elem().Type())
	setDefaults(fresh.Elem())
	if root != nil {
		b.bind(fresh.Elem(), root, "", field{})
	}
	// A document that is no section at all would only be told what it lacks.
	if root == nil && len(problems) == 0 || root != nil && (root.shape == table || root.shape == null) {
		b.validate(fresh.Interface())
	}
	if err := b.err(); err != nil {
		return err
	}
	target.Elem().Set(fresh.Elem())
	return nil
}
