package config

import (
	"errors"
	"io"
)

// Explain writes the configuration that v holds as YAML that Parse reads back,
// with each key's doc as a comment. Secret values are written as "***".
func Explain(w io.Writer, v any) error { return errors.New("not built yet") }

// Schema returns the JSON schema (draft 2020-12) of v's type, for editors.
func Schema(v any) ([]byte, error) { return nil, errors.New("not built yet") }

// Field is one key of the file, for tables in documents.
type Field struct {
	Key     string // "watchdog.probes[].url"
	Type    string // "duration", "list of text"
	Default string // in the file's notation; empty where there is none
	Doc     string
}

// Fields returns the keys of v's type in their order.
func Fields(v any) []Field { return nil }
