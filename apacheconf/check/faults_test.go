package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// emitted are the codes that stand in the sources of the tree, with a place of
// each. The probe has findings of another kind.
func emitted(t *testing.T) map[string]token.Position {
	t.Helper()
	out := map[string]token.Position{}
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "probe" || d.Name() == "apachetest" || d.Name() == "testdata"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			for _, e := range codesIn(n) {
				at := files.Position(e.Pos())
				if lit, ok := e.(*ast.BasicLit); ok {
					code, _ := strconv.Unquote(lit.Value)
					out[code] = at
				} else {
					t.Errorf("%s: a code that is not a literal, so nobody can look it up", at)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// codesIn are the values that a field Code is given.
func codesIn(n ast.Node) []ast.Expr {
	var out []ast.Expr
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			out = append(out, n.Value)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if sel, ok := left.(*ast.SelectorExpr); ok && sel.Sel.Name == "Code" && i < len(n.Rhs) {
				out = append(out, n.Rhs[i])
			}
		}
	}
	return out
}

// Whoever reads a code can look it up, and nothing is explained that no longer
// exists.
func TestEveryCodeIsInTheTable(t *testing.T) {
	known := map[string]bool{}
	found := emitted(t)
	for _, f := range Faults() {
		if known[f.Code] {
			t.Errorf("%s stands twice", f.Code)
		}
		known[f.Code] = true
		if _, ok := found[f.Code]; !ok {
			t.Errorf("nothing finds %s any more", f.Code)
		}
		for _, text := range []string{f.What, f.Why, f.Do} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: not a sentence: %q", f.Code, text)
			}
		}
	}
	for code, at := range found {
		if !known[code] {
			t.Errorf("%s: %s is not in the table", at, code)
		}
	}
}
