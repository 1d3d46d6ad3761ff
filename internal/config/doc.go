// Package config turns a YAML file into a program's structs, strictly.
//
// The structs are the rooms' own Config types. Their field tags are the single
// source of everything that is known about a key:
//
//	Period config.Duration `yaml:"period" default:"10s" doc:"How often the probe asks." min:"100ms"`
//
//	yaml      the key (required on every field that the file may set)
//	default   the value of an absent key, in the file's own notation
//	doc       one sentence with unit, range and the meaning of zero
//	enum      the allowed values, separated by commas
//	min, max  bounds, in the file's own notation
//	secret    "true": the value is never printed
//
// From them come the defaults ([Default]), the strict reading ([Parse]), the
// effective file with comments ([Explain]), the JSON schema for editors
// ([Schema]) and the README's table ([Fields]).
//
// What tags cannot say, a type's Validate method says, by collecting
// [Problems] under keys relative to itself; the loader finds the line.
// A bad file is refused as a whole, with all its problems at once.
package config
