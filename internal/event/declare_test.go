package event

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var snake = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

func TestDeclarationsAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Declarations() {
		k := d.Kind()
		if !snake.MatchString(k) {
			t.Errorf("%s: not snake_case", k)
		}
		if seen[k] {
			t.Errorf("%s: declared twice", k)
		}
		seen[k] = true
		if want := snakeOf(reflect.TypeOf(d.Prototype).Name()); k != want {
			t.Errorf("kind %s of type %T, want %s", k, d.Prototype, want)
		}
		if d.Meaning == "" || strings.HasSuffix(d.Meaning, ".") {
			t.Errorf("%s: meaning %q, want one sentence without a full stop", k, d.Meaning)
		}
		if d.Pages && d.Do == "" {
			t.Errorf("%s pages and does not say what to do", k)
		}
		if d.Pages && d.Severity < Urgent {
			t.Errorf("%s pages with severity %s", k, d.Severity)
		}
	}
}

func TestEndsNameDeclaredKinds(t *testing.T) {
	for _, d := range Declarations() {
		for _, end := range d.Ends {
			other, ok := Lookup(end)
			if !ok {
				t.Errorf("%s ends %s, which is not declared", d.Kind(), end)
				continue
			}
			_, a := d.Prototype.(Subjecter)
			_, b := other.Prototype.(Subjecter)
			if a != b && !d.EndsAll {
				t.Errorf("%s ends %s: only one of them has a subject, so it never matches", d.Kind(), end)
			}
		}
	}
}

func TestEveryEventOfThePackageIsDeclared(t *testing.T) {
	declared := map[string]bool{}
	for _, d := range Declarations() {
		declared[reflect.TypeOf(d.Prototype).Name()] = true
	}
	found := kindReceivers(t)
	if len(found) < 50 {
		t.Fatalf("found only %d events: the search is broken", len(found))
	}
	for _, name := range found {
		if !declared[name] {
			t.Errorf("%s has Kind() and no declaration", name)
		}
	}
}

// kindReceivers returns the types of this package with a method Kind() string,
// but Declaration, whose Kind is its prototype's.
func kindReceivers(t *testing.T) (names []string) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "Kind" {
				continue
			}
			id, ok := fn.Recv.List[0].Type.(*ast.Ident)
			if !ok {
				t.Errorf("%s: Kind on a pointer: events are values", e.Name())
			} else if id.Name != "Declaration" {
				names = append(names, id.Name)
			}
		}
	}
	return names
}

func snakeOf(camel string) string {
	var b strings.Builder
	for i, r := range camel {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// filled returns the prototype with every field set to something.
func filled(d Declaration) Event {
	v := reflect.New(reflect.TypeOf(d.Prototype)).Elem()
	fill(v, 1)
	return v.Interface().(Event)
}

func fill(v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d \"<|>\n", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint64:
		v.SetUint(1<<63 + uint64(n))
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n+i)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2024, 2, 29, 1, 2, 3, 4, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n+i)
		}
	default:
		panic("event fields of kind " + v.Kind().String() + " are not foreseen")
	}
}

func TestEveryKindRoundTrips(t *testing.T) {
	for _, d := range Declarations() {
		for _, e := range []Event{d.Prototype, filled(d)} {
			line, err := Encode(e)
			if err != nil {
				t.Errorf("%s: %v", d.Kind(), err)
				continue
			}
			if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
				t.Errorf("%s: not one line: %q", d.Kind(), line)
			}
			back, err := Decode(line)
			if err != nil || !reflect.DeepEqual(back, e) {
				t.Errorf("%s: %+v came back as %+v, %v", d.Kind(), e, back, err)
			}
		}
	}
}

func TestEveryFieldIsAnAttr(t *testing.T) {
	for _, d := range Declarations() {
		e := filled(d)
		if got, want := len(Attrs(e)), reflect.TypeOf(e).NumField(); got != want {
			t.Errorf("%s: %d attrs of %d fields: a json tag is missing", d.Kind(), got, want)
		}
		names := map[string]bool{}
		for _, a := range Attrs(e) {
			if names[a.Key] {
				t.Errorf("%s: attr %s twice", d.Kind(), a.Key)
			}
			names[a.Key] = true
		}
	}
}

func TestWriteTable(t *testing.T) {
	var b strings.Builder
	if err := WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2+len(Declarations()) {
		t.Fatalf("%d lines for %d kinds", len(lines), len(Declarations()))
	}
	for _, l := range lines {
		if n := strings.Count(l, "|") - strings.Count(l, `\|`); n != 6 {
			t.Errorf("%d column marks, want 6: %s", n, l)
		}
	}
	const want = "| `pool_empty` | critical | yes | no member of a pool can take a request | clients get 503: bring a member back |"
	if !strings.Contains(b.String(), want+"\n") {
		t.Errorf("missing line %s", want)
	}
}
