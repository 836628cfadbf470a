// Package layers holds the project's packages to the imports that
// ARCHITECTURE.md allows them.
package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "tlskeeper/"

// mechanisms may be imported by every package, and import nothing but
// themselves.
var mechanisms = []string{"internal/durable", "internal/child", "internal/flock", "internal/term", "internal/hint", "internal/certname", "internal/dnsname", "internal/regular", "internal/table"}

// allowed names, for each package, what of the project it may import beside
// the mechanisms. A package that is missing here may import nothing else.
var allowed = map[string][]string{
	"cmd/tlskeeper":                  {"*"},
	"cmd/tlskeeper-demo":             {"*"},
	"acme":                           {"acme/challenge", "acme/schedule", "acme/store", "internal/leaf", "internal/safepath"},
	"acme/acmetest":                  {},
	"acme/challenge":                 {"internal/safepath"},
	"acme/schedule":                  {},
	"acme/store":                     {"acme/schedule", "internal/leaf"},
	"apacheconf":                     {"apacheconf/check", "apacheconf/conf", "apacheconf/httpd", "apacheconf/plan", "apacheconf/probe", "apacheconf/proof", "internal/filechange", "internal/leaf"},
	"apacheconf/apachetest":          {"internal/testenv"},
	"apacheconf/check":               {"apacheconf/conf", "apacheconf/httpd"},
	"apacheconf/conf":                {"internal/leaf"},
	"apacheconf/httpd":               {"apacheconf/conf", "internal/safepath"},
	"apacheconf/plan":                {"apacheconf/check", "apacheconf/conf", "apacheconf/httpd", "apacheconf/proof", "internal/filechange", "internal/safepath", "logship/accesslog", "templates"},
	"apacheconf/probe":               {"internal/leaf"},
	"apacheconf/proof":               {"apacheconf/conf", "apacheconf/httpd", "apacheconf/probe"},
	"cmd/tlskeeper/internal/certbot": {"acme", "acme/challenge", "acme/store", "cmd/tlskeeper/internal/config", "internal/leaf", "internal/safepath"},
	"cmd/tlskeeper/internal/cmdline": {},
	"cmd/tlskeeper/internal/config":  {"internal/safepath", "templates"},
	"cmd/tlskeeper/internal/renewal": {"acme", "acme/schedule", "acme/store", "apacheconf", "cmd/tlskeeper/internal/status", "internal/safepath"},
	"cmd/tlskeeper/internal/setup":   {"cmd/tlskeeper/internal/config", "internal/safepath"},
	"cmd/tlskeeper/internal/status":  {},
	"internal/ctlist":                {"apacheconf/probe"},
	"internal/filechange":            {},
	"internal/leaf":                  {},
	"internal/owner":                 {"internal/safepath"},
	"internal/safepath":              {},
	"internal/testenv":               {},
	"internal/testenv/killat":        {},
	"logship":                        {"logship/cloudwatch", "logship/follow", "logship/store", "logship/tally"},
	"logship/accesslog":              {},
	"logship/cloudwatch":             {"internal/safepath", "logship/accesslog", "logship/store"},
	"logship/follow":                 {"logship/lines", "logship/store", "logship/tally"},
	"logship/ingest":                 {"logship/accesslog", "logship/lines", "logship/store"},
	"logship/lines":                  {"logship/store"},
	"logship/live":                   {"logship/accesslog"},
	"logship/logshiptest":            {},
	"logship/store":                  {"logship/accesslog"},
	"logship/store/storetest":        {},
	"logship/tally":                  {"logship/lines", "logship/store"},
	"query":                          {"logship/store"},
	"templates":                      {},
}

// lego may be linked only by what imports it, which is acme and
// acme/challenge: a move to its next version is a change of these two.
const lego = "github.com/go-acme/"

// banned names what no part of a package's whole dependency tree may contain.
var banned = map[string][]string{
	"query":         {"github.com/aws/", lego},
	"logship":       {lego},
	"acme":          {"tlskeeper/apacheconf"},
	"acme/schedule": {lego, "net/http"},
	"acme/store":    {lego, "net/http"},
	"apacheconf":    {"tlskeeper/acme", "github.com/mattn/go-sqlite3"},
	"cmd/tlskeeper": {"github.com/letsencrypt/pebble", "tlskeeper/acme/acmetest", "tlskeeper/apacheconf/apachetest", "tlskeeper/logship/logshiptest", "testing"},
}

// rooms names the one package each that may import a library, or a part of it.
var rooms = map[string]string{
	"github.com/aws/aws-sdk-go-v2": "logship/cloudwatch",
	"github.com/aws/smithy-go":     "logship/cloudwatch",
	"github.com/hpcloud/tail":      "logship/live",
}

type listed struct {
	ImportPath, Dir                              string
	Imports, Deps                                []string
	GoFiles, CgoFiles, TestGoFiles, XTestGoFiles []string
}

func TestImportsKeepTheLayers(t *testing.T) {
	for _, p := range list(t) {
		own := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			if rest, ours := strings.CutPrefix(imported, module); ours && !mayImport(own, rest) {
				t.Errorf("%s imports %s, which ARCHITECTURE.md does not allow", own, rest)
			}
		}
		for library, room := range rooms {
			if own != room && slices.ContainsFunc(p.Imports, func(i string) bool { return hasPrefixOf(i, []string{library}) }) {
				t.Errorf("%s imports %s, which is for %s alone", own, library, room)
			}
		}
		for _, dep := range p.Deps {
			if hasPrefixOf(dep, banned[own]) {
				t.Errorf("%s depends on %s", own, dep)
			}
		}
	}
}

func TestWhoImportsLego(t *testing.T) {
	for _, p := range list(t) {
		own := strings.TrimPrefix(p.ImportPath, module)
		imports := slices.ContainsFunc(p.Imports, func(i string) bool { return strings.HasPrefix(i, lego) })
		if imports != (own == "acme" || own == "acme/challenge") {
			t.Errorf("%s imports lego: %v", own, imports)
		}
	}
}

// TestRulesAllowNothingInVain: a rule is what a package imports, and no more, and
// ARCHITECTURE.md has the same table.
func TestRulesAllowNothingInVain(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list(t) {
		own := strings.TrimPrefix(p.ImportPath, module)
		rule, ruled := allowed[own]
		for _, other := range rule {
			if other != "*" && !slices.Contains(p.Imports, module+other) {
				t.Errorf("%s may import %s, and does not", own, other)
			}
		}
		if ruled && !hasRow(string(text), "| `"+own+"` |", tableRow(rule)) {
			t.Errorf("ARCHITECTURE.md has no row of %s that ends in %q", own, tableRow(rule))
		}
	}
}

func hasRow(text, begin, end string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, begin) && strings.HasSuffix(strings.TrimSpace(line), end) {
			return true
		}
	}
	return false
}

// tableRow is how the row of a package with that rule ends in ARCHITECTURE.md.
func tableRow(rule []string) string {
	switch {
	case slices.Contains(rule, "*"):
		return "| everything |"
	case len(rule) == 0:
		return "| mechanisms |"
	}
	return "| " + strings.Join(rule, ", ") + " |"
}

func mayImport(own, other string) bool {
	rule := allowed[own]
	return slices.Contains(rule, "*") || slices.Contains(mechanisms, other) && !slices.Contains(mechanisms, own) ||
		slices.Contains(rule, other)
}

func hasPrefixOf(dep string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return dep == p || strings.HasPrefix(dep, strings.TrimSuffix(p, "/")+"/")
	})
}

func TestEveryPackageHasARule(t *testing.T) {
	packages := list(t)
	for _, p := range packages {
		own := strings.TrimPrefix(p.ImportPath, module)
		_, ruled := allowed[own]
		if !ruled && !slices.Contains(mechanisms, own) && importsOurs(p) {
			t.Errorf("%s has no rule in this test", own)
		}
	}
	for own := range allowed {
		if !slices.ContainsFunc(packages, func(p listed) bool { return p.ImportPath == path.Join(module, own) }) {
			t.Errorf("the rule for %s is for no package", own)
		}
	}
}

func importsOurs(p listed) bool {
	return slices.ContainsFunc(p.Imports, func(i string) bool { return strings.HasPrefix(i, module) })
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Imports,Deps,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.ImportPath, module) {
			packages = append(packages, p)
		}
	}
}
