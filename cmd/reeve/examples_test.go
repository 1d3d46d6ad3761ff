//go:build linux

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/config"
)

func TestEveryShippedConfigurationLoads(t *testing.T) {
	files, err := filepath.Glob("../../deploy/examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../../deploy/reeve.yaml")
	if len(files) < 3 {
		t.Fatalf("found %v, want the examples", files)
	}
	for _, path := range files {
		if _, _, err := loadFile(path); err != nil {
			t.Errorf("%s:\n%v", path, err)
		}
	}
}

func TestTheEmbeddedDefaultLoads(t *testing.T) {
	f, _, err := loadFile("")
	if err != nil {
		t.Fatal(err)
	}
	if f.Proxy.Builtin == nil || len(f.Proxy.Builtin.Pools["sample"].Members) != 3 {
		t.Fatalf("the default has no three sample members: %+v", f.Proxy)
	}
}

// What `reeve check --explain` prints is a configuration with the same meaning.
func TestExplainedConfigurationLoadsAgain(t *testing.T) {
	first := explain(t, "../../deploy/examples/web-cluster.yaml")
	again := explain(t, write(t, t.TempDir(), "explained.yaml", first))
	if first != again {
		t.Fatalf("explained:\n%s\nexplained again:\n%s", first, again)
	}
}

func explain(t *testing.T, path string) string {
	t.Helper()
	f, _, err := loadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := config.Explain(&out, f); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheStateFolderIsFoundInABrokenFile(t *testing.T) {
	for text, want := range map[string]string{
		"state: /var/lib/a\nnonsense: 1\n":                 "/var/lib/a",
		"service: x\nstate: \"/var/lib/b\" # here\nx: [\n": "/var/lib/b",
		"state: '/c d'\nx: {\n":                            "/c d",
	} {
		got, err := stateOf(write(t, t.TempDir(), "reeve.yaml", text))
		if err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
}
