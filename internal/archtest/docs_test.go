package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// maxLines and maxFunc are the house's limits: a file or a function past them
// does several things.
const (
	maxLines = 500
	maxFunc  = 80
)

// wellKnown are methods whose meaning the language or the standard library
// gives; a comment would repeat it.
var wellKnown = map[string]bool{
	"Kind": true, "Subject": true, "Error": true, "Unwrap": true, "String": true,
	"Len": true, "Less": true, "Swap": true, "ServeHTTP": true,
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	packages := map[string]bool{} // folder -> has a package doc
	eachFile(t, func(name string, fset *token.FileSet, f *ast.File) {
		dir := filepath.Dir(name)
		packages[dir] = packages[dir] || f.Doc != nil
		for _, d := range f.Decls {
			checkDecl(t, fset, d)
		}
	})
	for dir, ok := range packages {
		if !ok {
			t.Errorf("%s: the package has no doc comment", dir)
		}
	}
}

func TestFilesAndFunctionsAreSmall(t *testing.T) {
	eachFile(t, func(name string, fset *token.FileSet, f *ast.File) {
		if n := fset.Position(f.End()).Line; n > maxLines {
			t.Errorf("%s has %d lines, limit %d", name, n, maxLines)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunc {
				t.Errorf("%s: %s has %d lines, limit %d", fset.Position(fn.Pos()), fn.Name.Name, n, maxFunc)
			}
		}
	})
}

func checkDecl(t *testing.T, fset *token.FileSet, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && !(d.Recv != nil && (wellKnown[d.Name.Name] || !exportedReceiver(d))) {
			t.Errorf("%s: %s has no doc comment", fset.Position(d.Pos()), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					t.Errorf("%s: type %s has no doc comment", fset.Position(s.Pos()), s.Name.Name)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					t.Errorf("%s: %s has no doc comment", fset.Position(s.Pos()), s.Names[0].Name)
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.IsExported() {
			exported = true
		}
		return true
	})
	return exported
}

// eachFile calls do for every Go file of the module that is not a test.
func eachFile(t *testing.T, do func(name string, fset *token.FileSet, f *ast.File)) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		do(p, fset, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
