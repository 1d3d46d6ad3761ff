package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/internal/event"
)

// The README's tables are printed from the code. With REEVE_UPDATE_README set
// the test writes them instead of comparing.
func TestTheReadmesTablesAreTheCodes(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, table := range map[string]string{"events": eventTable(t), "configuration": configTable()} {
		begin, end := fmt.Sprintf("<!-- %s: begin -->\n", name), fmt.Sprintf("<!-- %s: end -->", name)
		i, j := strings.Index(text, begin), strings.Index(text, end)
		if i < 0 || j < i {
			t.Fatalf("README.md lacks the marks of the table %s", name)
		}
		i += len(begin)
		if text[i:j] != table {
			if os.Getenv("REEVE_UPDATE_README") == "" {
				t.Errorf("the table %s is not what the code prints; REEVE_UPDATE_README=1 go test ./cmd/reeve -run Readme writes it", name)
			}
			text = text[:i] + table + text[j:]
		}
	}
	if os.Getenv("REEVE_UPDATE_README") != "" {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func eventTable(t *testing.T) string {
	var b strings.Builder
	if err := event.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func configTable() string {
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, f := range config.Fields(new(File)) {
		def := ""
		if f.Default != "" {
			def = "`" + f.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Key, cell(f.Type), cell(def), cell(f.Doc))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
