package main

import (
	"os"
	"path/filepath"
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

// The annotated file claims to show every default; explaining it must give
// the same configuration again.
func TestExplainedConfigurationLoadsAgain(t *testing.T) {
	f, _, err := loadFile("../../deploy/examples/web-cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "explained.yaml")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Explain(out, f); err != nil {
		t.Fatal(err)
	}
	out.Close()
	again, _, err := loadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(needRestart(f, again)) > 0 {
		t.Fatalf("differs in %v", needRestart(f, again))
	}
}
