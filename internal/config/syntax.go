package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may be at most. A configuration is far below; the library's parser
// recurses without a bound of its own and takes time by the square of the size.
const (
	maxBytes = 512 << 10
	maxDepth = 100
	maxNodes = 200_000
)

// read turns the file's text into nodes. The root is nil for an empty file. It
// never panics: the library's own panics become problems.
func read(data []byte) (root *node, problems []Problem) {
	r := reader{anchors: map[string]*node{}}
	defer func() {
		if p := recover(); p != nil {
			root, problems = nil, append(r.problems, Problem{Message: fmt.Sprintf("the YAML parser gave up: %v", p)})
		}
	}()
	text := strings.TrimPrefix(string(data), "\ufeff")
	if len(text) > maxBytes {
		r.report(place{}, "the file has %d bytes, more than %d", len(text), maxBytes)
		return nil, r.problems
	}
	if !r.plainText(text) {
		return nil, r.problems
	}
	tokens := lexer.Tokenize(text)
	if !r.shallow(tokens) {
		return nil, r.problems
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil, r.problems
	}
	return r.documents(file), r.problems
}

// reader turns the library's tree into nodes.
type reader struct {
	problems []Problem
	anchors  map[string]*node // nil value: inside the anchor itself
	nodes    int
}

func (r *reader) report(at place, format string, args ...any) {
	r.problems = append(r.problems, Problem{Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)})
}

// plainText refuses what no editor writes: other encodings and control
// characters.
func (r *reader) plainText(text string) bool {
	line, column := 1, 1
	for i, c := range text {
		switch {
		case c == utf8.RuneError && !utf8.FullRuneInString(text[i:]),
			c == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			r.report(place{line, column}, "byte %#02x is not UTF-8 text", text[i])
			return false
		case c < ' ' && c != '\n' && c != '\r' && c != '\t':
			r.report(place{line, column}, "control character %#02x", c)
			return false
		case c == '\n':
			line, column = line+1, 0
		}
		column++
	}
	return true
}

// shallow bounds what the parser's recursion can see. Blocks nest by
// indentation, which the file's size bounds well enough.
func (r *reader) shallow(tokens token.Tokens) bool {
	open, line, marks := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			if t.Position.Line != line {
				line, marks = t.Position.Line, 0
			}
			marks++
		}
		if open > maxDepth || marks > 10*maxDepth {
			r.report(at(t), "nested deeper than %d", maxDepth)
			return false
		}
	}
	return true
}

// syntax reports the library's error in its own words but without its excerpt of
// the file, which would show secrets.
func (r *reader) syntax(err error) {
	var e interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &e) {
		r.report(place{}, "not YAML: %s", firstLine(err.Error()))
		return
	}
	r.report(at(e.GetToken()), "not YAML: %s", firstLine(e.GetMessage()))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func at(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// documents returns the one document's node.
func (r *reader) documents(file *ast.File) *node {
	var root *node
	seen := false
	for _, d := range file.Docs {
		if _, directive := d.Body.(*ast.DirectiveNode); directive || d.Body == nil {
			continue
		}
		if seen {
			r.report(at(d.Body.GetToken()), "a second document starts here, want one document in the file")
			return nil
		}
		seen = true
		root = r.node(d.Body, 0)
	}
	return root
}

// node never returns nil.
func (r *reader) node(n ast.Node, depth int) *node {
	r.nodes++
	if r.nodes > maxNodes {
		panic(fmt.Sprintf("more than %d values", maxNodes))
	}
	if n == nil {
		return &node{}
	}
	out := &node{shape: scalar, at: at(n.GetToken())}
	if depth > maxDepth {
		panic(fmt.Sprintf("nested deeper than %d at line %d", maxDepth, out.at.line))
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.shape = table
		if len(n.Values) > 0 && !n.IsFlowStyle {
			out.at = at(keyToken(n.Values[0].Key))
		}
		r.table(out, n.Values, depth)
	case *ast.MappingValueNode:
		out.shape, out.at = table, at(keyToken(n.Key))
		r.table(out, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		out.shape = list
		for _, v := range n.Values {
			out.items = append(out.items, r.node(v, depth+1))
		}
	case *ast.AnchorNode:
		return r.anchor(n, depth)
	case *ast.AliasNode:
		return r.alias(n)
	case *ast.TagNode:
		return r.tag(n, depth)
	case *ast.NullNode:
		out.shape = null
	case *ast.LiteralNode:
		out.text, out.quoted = n.Value.Value, true
	case *ast.StringNode:
		out.text = n.Value
		out.quoted = n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.text = n.GetToken().Value
	default:
		r.report(out.at, "%s is not understood here", n.Type())
		out.shape = null
	}
	return out
}

func (r *reader) anchor(n *ast.AnchorNode, depth int) *node {
	name := n.Name.GetToken().Value
	r.anchors[name] = nil
	v := r.node(n.Value, depth+1)
	r.anchors[name] = v
	return v
}

func (r *reader) alias(n *ast.AliasNode) *node {
	name := n.Value.GetToken().Value
	v, ok := r.anchors[name]
	if v != nil {
		return v
	}
	if ok {
		r.report(at(n.Start), "alias *%s stands inside its own anchor", name)
	} else {
		r.report(at(n.Start), "alias *%s has no anchor &%s before it", name, name)
	}
	return &node{at: at(n.Start)}
}

// tag accepts the names of YAML's own types, which change nothing here because
// the program knows the type, except that !!str makes a text.
func (r *reader) tag(n *ast.TagNode, depth int) *node {
	v := r.node(n.Value, depth+1)
	switch n.Start.Value {
	case "!!str":
		tagged := *v
		if tagged.shape == null {
			tagged.shape = scalar
		}
		tagged.quoted = true
		return &tagged
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return v
	}
	r.report(at(n.Start), "tag %s is not understood, leave it out", short(n.Start.Value))
	return v
}

func keyToken(k ast.MapKeyNode) *token.Token {
	if explicit, ok := k.(*ast.MappingKeyNode); ok && explicit.Value != nil {
		return explicit.Value.GetToken()
	}
	return k.GetToken()
}

// table reads the pairs, its own first and the merged ones after them.
func (r *reader) table(out *node, values []*ast.MappingValueNode, depth int) {
	first := map[string]int{} // key to its line
	var merges []*node
	for _, v := range values {
		t := keyToken(v.Key)
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			merges = append(merges, r.node(v.Value, depth+1))
			continue
		}
		k := r.key(v.Key, depth)
		value := r.node(v.Value, depth+1)
		if line, twice := first[k]; twice {
			r.problems = append(r.problems, Problem{Line: at(t).line, Column: at(t).column, Key: k,
				Message: fmt.Sprintf("duplicate key %q, first on line %d", k, line)})
			continue
		}
		first[k] = at(t).line
		out.pairs = append(out.pairs, pair{key: k, at: at(t), value: value})
	}
	for _, m := range merges {
		r.merge(out, m, first)
	}
}

func (r *reader) key(k ast.MapKeyNode, depth int) string {
	var n ast.Node = k
	if explicit, ok := k.(*ast.MappingKeyNode); ok {
		n = explicit.Value
	}
	v := r.node(n, depth+1)
	if v.shape != scalar && v.shape != null {
		r.report(v.at, "%s is used as a key, want one word", v.what(false))
		return ""
	}
	if v.shape == null {
		return "null"
	}
	return v.text
}

// merge adds the pairs of a table, or of each table of a list, that are not
// there yet.
func (r *reader) merge(out, from *node, first map[string]int) {
	switch from.shape {
	case list:
		for _, item := range from.items {
			if item.shape == list {
				r.report(item.at, "got a list of lists to merge, want sections")
				continue
			}
			r.merge(out, item, first)
		}
	case table:
		for _, p := range from.pairs {
			r.nodes++
			if _, there := first[p.key]; there || r.nodes > maxNodes {
				continue
			}
			first[p.key] = p.at.line
			p.merged = true
			out.pairs = append(out.pairs, p)
		}
	default:
		r.report(from.at, "got %s to merge, want a section or a list of sections", from.what(true))
	}
}
