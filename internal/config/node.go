package config

// place is where something stands in the file, from 1; the zero place is
// nowhere.
type place struct{ line, column int }

type shape int

const (
	null shape = iota
	scalar
	list
	table
)

// node is a value of the file. Aliases share the node of their anchor, so that
// the tree is a graph without circles.
type node struct {
	shape  shape
	at     place
	text   string // scalar: the value as it was written, without quotes
	quoted bool   // scalar: in quotes or a block, so surely a text
	pairs  []pair // table: in the file's order, merged ones last
	items  []*node
}

// pair is a key of a table and its value.
type pair struct {
	key    string
	at     place
	value  *node
	merged bool // came by a merge key, so a key of the same name has beaten it
}

// what says for a message what stands in the file.
func (n *node) what(secret bool) string {
	switch n.shape {
	case null:
		return "nothing"
	case list:
		return "a list"
	case table:
		return "a section with keys"
	}
	if secret {
		return "a value"
	}
	if n.quoted {
		return "the text " + short(n.text)
	}
	return short(n.text)
}
