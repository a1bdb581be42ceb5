package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Only package testhost skips a test, because it fails the test where the missing feature was
// promised. A fuzz target may call Skip: there it means that the input is not usable.
func TestOnlyTesthostSkips(t *testing.T) {
	tests := files(t, "*_test.go")
	if len(tests) < 100 {
		t.Fatalf("%d test files only: nothing was checked", len(tests))
	}
	for _, path := range tests {
		if within(path, "internal/testhost") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.Join("..", "..", path), nil,
			parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && skips(call.Fun) {
					t.Errorf("%s: a skip of its own: use testhost.Need or testhost.Lacks",
						fset.Position(call.Pos()))
				}
				return true
			})
		}
	}
}

func skips(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && (x.Name == "t" || x.Name == "tb" || x.Name == "b") &&
		(s.Sel.Name == "Skip" || s.Sel.Name == "Skipf" || s.Sel.Name == "SkipNow")
}

var earlyEnd = regexp.MustCompile(`(?m)^\[!.*\] stop`)

// A script that stops because the host lacks a feature would pass, and nobody would notice.
func TestNoScriptStopsEarly(t *testing.T) {
	scripts := files(t, "*.txtar")
	if len(scripts) < 20 {
		t.Fatalf("%d scripts only: nothing was checked", len(scripts))
	}
	for _, path := range scripts {
		data, err := os.ReadFile(filepath.Join("..", "..", path))
		if err != nil {
			t.Fatal(err)
		}
		if line := earlyEnd.Find(data); line != nil {
			t.Errorf("%s: %s: write skip and a reason", path, line)
		}
	}
}
