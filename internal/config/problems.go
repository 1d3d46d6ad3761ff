package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	File    string // empty where there is no file
	Line    int    // from 1; 0 where it is not known
	Column  int    // from 1; 0 where it is not known
	Key     string // "watchdog.probes[0].url"
	Message string // what is wrong, with the value and the limit
}

// Error is "file:line:column: key: message", without the parts not known.
func (p *Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Validator is a configuration that knows more about itself than its tags say.
type Validator interface {
	// Validate returns all that is wrong, as Problems.Err does.
	Validate() error
}

// Problems collects what is wrong. The zero Problems is empty and ready.
type Problems struct {
	all *multierror.Error
}

// Add records a problem of the key, which is relative to whoever validates.
func (p *Problems) Add(key, format string, args ...any) {
	p.put(&Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

// Under records all problems of a part under its key. A plain error becomes
// one problem of the key itself; nil is nothing.
func (p *Problems) Under(key string, err error) {
	for _, q := range List(err) {
		q.Key = Join(key, q.Key)
		p.put(&q)
	}
}

func (p *Problems) put(q *Problem) { p.all = multierror.Append(p.all, q) }

// Err returns nil where nothing is wrong, else an error that prints one
// problem a line.
func (p *Problems) Err() error {
	if p.all == nil {
		return nil
	}
	p.all.ErrorFormat = func(errs []error) string {
		lines := make([]string, len(errs))
		for i, e := range errs {
			lines[i] = e.Error()
		}
		return strings.Join(lines, "\n")
	}
	return p.all.ErrorOrNil()
}

// List returns the problems in err, in order: those of a Problems.Err, or a
// single one with err's text for any other error; none for nil.
func List(err error) []Problem {
	if err == nil {
		return nil
	}
	if p, ok := err.(*Problem); ok {
		return []Problem{*p}
	}
	if m, ok := err.(*multierror.Error); ok {
		var out []Problem
		for _, e := range m.Errors {
			out = append(out, List(e)...)
		}
		return out
	}
	return []Problem{{Message: err.Error()}}
}

// Join puts a key under another: Join("a", "b") is "a.b", Join("a", "[0].b") is
// "a[0].b".
func Join(outer, inner string) string {
	switch {
	case outer == "":
		return inner
	case inner == "", strings.HasPrefix(inner, "["):
		return outer + inner
	default:
		return outer + "." + inner
	}
}

// Index is the key of an element of a list: Index("probes", 2) is "probes[2]".
func Index(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }
