package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/reeveproxy/reeve/"

// lattice is the policy: each package of the module, and the packages of the
// module that its code (tests included) may import. It is a statement of what
// the house is, so a change of it is a change of the design: do not extend it
// to make a build pass.
//
// The five rooms do not know each other; cmd/reeve introduces them.
const lattice = `
internal/event:
internal/config:
internal/scoreboard:      internal/testproc
internal/testproc:
internal/archtest:        internal/config internal/event cmd/reeve
rlimit:                   internal/config internal/testproc

internal/journal:         internal/event
internal/metrics:         internal/event
internal/status:          internal/event
internal/pager:           internal/event internal/config internal/testproc
internal/control:         internal/event internal/testproc

supervisor:               internal/event internal/config internal/scoreboard internal/testproc
watchdog:                 internal/event internal/config internal/scoreboard internal/testproc watchdog/runaway
watchdog/runaway:         internal/event internal/config internal/scoreboard internal/testproc
rotate:                   internal/event internal/config internal/testproc
proxy:                    internal/event internal/config internal/scoreboard internal/testproc proxy/balance proxy/member proxy/limit proxy/manage proxy/h1 proxy/sample
proxy/balance:
proxy/sample:
proxy/h1:
proxy/limit:              internal/config
proxy/member:             internal/event internal/config proxy/balance
proxy/manage:             internal/event internal/config proxy/balance proxy/member proxy/limit

internal/benchpeers:      internal/testproc
cmd/reeve:                *
`

// fences keeps each third-party library in the folder or the files that were
// agreed for it. A library that is not listed here is not agreed.
var fences = map[string][]string{
	"github.com/shirou/gopsutil/v3":       {"watchdog/usage.go", "rotate/disk.go"},
	"gopkg.in/natefinch/lumberjack.v2":    {"rotate/archive.go"},
	"github.com/robfig/cron/v3":           {"rotate/schedule.go"},
	"github.com/hashicorp/go-multierror":  {"internal/config/", "rlimit/", "cmd/reeve/"},
	"github.com/goccy/go-yaml":            {"internal/config/"},
	"github.com/spf13/cobra":              {"cmd/reeve/"},
	"github.com/prometheus/client_golang": {"internal/metrics/"},
	"golang.org/x/sys":                    {""},
}

type file struct {
	dir, name string
	imports   []string
}

func TestImportsFollowTheLattice(t *testing.T) {
	allowed := parseLattice(t)
	for _, f := range sources(t) {
		may, ok := allowed[f.dir]
		if !ok {
			t.Errorf("%s: package %s is not in the lattice", f.name, f.dir)
			continue
		}
		for _, imp := range f.imports {
			own, ok := strings.CutPrefix(imp, module)
			if !ok || own == f.dir || slices.Contains(may, "*") || slices.Contains(may, own) {
				continue
			}
			t.Errorf("%s imports %s: the lattice allows %s only %v", f.name, own, f.dir, may)
		}
	}
}

func TestLibrariesStayBehindTheirFences(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.imports {
			if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") || strings.HasPrefix(imp, module) {
				continue
			}
			if !fenced(imp, f.name) {
				t.Errorf("%s imports %s outside its fence", f.name, imp)
			}
		}
	}
}

func fenced(imp, name string) bool {
	if strings.HasSuffix(name, "_test.go") {
		name = strings.TrimSuffix(name, "_test.go") + ".go"
	}
	for lib, places := range fences {
		if imp != lib && !strings.HasPrefix(imp, lib+"/") {
			continue
		}
		for _, p := range places {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
	}
	return false
}

func parseLattice(t *testing.T) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(lattice) {
		pkg, deps, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		out[pkg] = strings.Fields(deps)
		if _, err := os.Stat(filepath.Join("..", "..", pkg)); err != nil && len(out[pkg]) > 0 {
			t.Logf("lattice names %s, which does not exist yet", pkg)
		}
	}
	return out
}

// sources parses the import blocks of every Go file of the module.
func sources(t *testing.T) []file {
	var out []file
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f := file{dir: path.Dir(filepath.ToSlash(rel)), name: filepath.ToSlash(rel)}
		for _, i := range src.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, name)
		}
		out = append(out, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found %d Go files, want the whole module", len(out))
	}
	return out
}
