package layers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestExportedNamesAreUsedElsewhere: a package exports what another one uses, and
// no more. A type counts as used where a used declaration of its package speaks
// of it, because whoever has the value has the type; a constant, where its type
// is used; an error, because callers may look for it.
func TestExportedNamesAreUsedElsewhere(t *testing.T) {
	t.Parallel()
	tree := parseAll(t)
	used := map[string]bool{} // "package.Name"
	for _, f := range tree {
		f.selections(func(pkg, name string) {
			if pkg != f.pkg {
				used[pkg+"."+name] = true
			}
		})
	}
	for _, pkg := range slices.Sorted(maps.Keys(exportsOf(tree))) {
		for _, name := range exportsOf(tree)[pkg].unused(pkg, used) {
			t.Errorf("%s: %s is exported, and no other package uses it", pkg, name)
		}
	}
}

// source is one parsed file.
type source struct {
	*ast.File
	pkg  string // without the module's name
	test bool
}

func parseAll(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	for _, p := range list(t) {
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.TestGoFiles, p.XTestGoFiles) {
			file, err := parser.ParseFile(fset, path.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, source{file, strings.TrimPrefix(p.ImportPath, module), strings.HasSuffix(name, "_test.go")})
		}
	}
	return all
}

// selections calls each with every pkg.Name of the project that the file speaks of.
func (f source) selections(each func(pkg, name string)) {
	names := map[string]string{} // in the file: of the package
	for _, spec := range f.Imports {
		full, _ := strconv.Unquote(spec.Path.Value)
		if pkg, ok := strings.CutPrefix(full, module); ok {
			name := path.Base(pkg)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = pkg
		}
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && names[x.Name] != "" {
				each(names[x.Name], s.Sel.Name)
			}
		}
		return true
	})
}

// exports are the exported names of a package: what each declaration speaks of.
type exports map[string][]string

func exportsOf(tree []source) map[string]exports {
	all := map[string]exports{}
	for _, f := range tree {
		if f.test || f.Name.Name == "main" {
			continue
		}
		if all[f.pkg] == nil {
			all[f.pkg] = exports{}
		}
		for _, d := range f.Decls {
			all[f.pkg].add(d)
		}
	}
	return all
}

func (e exports) add(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			owner := idents(d.Recv)
			for _, name := range owner { // a method speaks for its type
				e[name] = append(e[name], idents(d.Type)...)
			}
			return
		}
		e[d.Name.Name] = append(e[d.Name.Name], idents(d.Type)...)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				e[s.Name.Name] = append(e[s.Name.Name], idents(s.Type)...)
			case *ast.ValueSpec:
				e.values(d.Tok, s)
			}
		}
	}
}

func (e exports) values(tok token.Token, s *ast.ValueSpec) {
	for _, name := range s.Names {
		e[name.Name] = append(e[name.Name], idents(s)...)
		if typed, ok := s.Type.(*ast.Ident); ok && tok == token.CONST {
			e[typed.Name] = append(e[typed.Name], name.Name)
		}
	}
}

func idents(n ast.Node) (names []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.IsExported() {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

// unused are the exported names that nothing used leads to.
func (e exports) unused(pkg string, used map[string]bool) []string {
	reached := map[string]bool{}
	var reach func(name string)
	reach = func(name string) {
		if _, ok := e[name]; ok && !reached[name] {
			reached[name] = true
			for _, next := range e[name] {
				reach(next)
			}
		}
	}
	for name := range e {
		if used[pkg+"."+name] || strings.HasSuffix(name, "Error") || strings.HasPrefix(name, "Err") {
			reach(name)
		}
	}
	var left []string
	for name := range e {
		if ast.IsExported(name) && !reached[name] {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	return left
}
