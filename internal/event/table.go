package event

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteTable prints the README's Markdown table of all kinds, in the order of
// Declarations. The error is w's.
func WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "| event | severity | pages | what happened | what to do |")
	fmt.Fprintln(out, "|---|---|---|---|---|")
	for _, d := range Declarations() {
		pages := ""
		if d.Pages {
			pages = "yes"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s |\n", d.Kind(), d.Severity, pages, cell(d.Meaning), cell(d.Do))
	}
	return out.Flush()
}

// cell keeps a text from ending its column.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
