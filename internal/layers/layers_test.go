// Package layers holds the project's packages to the imports that
// ARCHITECTURE.md allows them.
package layers

import (
	"encoding/json"
	"errors"
	"io"
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
	"cmd/tlskeeper":           {"*"},
	"internal/demo":           {"*"},
	"internal/renewal":        {"acme", "acme/challenge", "acme/schedule", "acme/store", "apacheconf", "apacheconf/probe", "internal/leaf", "internal/safepath", "internal/status"},
	"acme":                    {"acme/challenge", "acme/schedule", "acme/store", "internal/leaf", "internal/safepath"},
	"acme/acmetest":           {},
	"apacheconf":              {"apacheconf/check", "apacheconf/conf", "apacheconf/httpd", "apacheconf/plan", "apacheconf/probe", "apacheconf/proof", "internal/filechange", "internal/leaf", "internal/safepath", "logship/accesslog", "templates"},
	"apacheconf/probe":        {"internal/leaf"},
	"templates":               {},
	"logship":                 {"internal/status", "logship/accesslog", "logship/cloudwatch", "logship/follow", "logship/store", "logship/tally"},
	"logship/store":           {"logship/accesslog"},
	"logship/store/storetest": {},
	"logship/ingest":          {"logship/accesslog", "logship/lines", "logship/store"},
	"query":                   {"logship/accesslog", "logship/store"},
	"internal/setup":          {"internal/config", "internal/safepath"},
	"internal/certbot":        {"acme", "acme/challenge", "acme/schedule", "acme/store", "internal/config", "internal/leaf", "internal/safepath"},
	"internal/owner":          {},
	"internal/status":         {},
	"internal/config":         {"internal/safepath"},
	"apacheconf/apachetest":   {"internal/testenv"},
	"internal/safepath":       {},
	"internal/ctlist":         {"apacheconf/probe"},
	"acme/schedule":           {},
	"acme/store":              {"acme/schedule", "internal/leaf"},
	"acme/challenge":          {"internal/safepath"},
	"logship/lines":           {"logship/store"},
	"logship/follow":          {"logship/lines", "logship/store", "logship/tally"},
	"logship/tally":           {"logship/lines", "logship/store"},
	"logship/cloudwatch":      {"internal/safepath", "logship/accesslog", "logship/store"},
	"logship/live":            {"logship/accesslog"},
	"internal/filechange":     {},
	"apacheconf/conf":         {"internal/leaf"},
	"apacheconf/httpd":        {"apacheconf/conf", "internal/safepath"},
	"apacheconf/check":        {"apacheconf/conf", "apacheconf/httpd"},
	"apacheconf/proof":        {"apacheconf/conf", "apacheconf/httpd", "apacheconf/probe"},
	"apacheconf/plan":         {"apacheconf/check", "apacheconf/conf", "apacheconf/httpd", "apacheconf/proof", "internal/filechange", "internal/safepath", "logship/accesslog", "templates"},
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
