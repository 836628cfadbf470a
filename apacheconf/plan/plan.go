// Package plan works out what a change would make of the files, and of the
// configuration that they give: without writing one, and with the way back.
//
// It may import apacheconf/{conf,httpd,check,proof}, templates,
// logship/accesslog and internal/{filechange,hint}. Of the proof
// it takes one thing, the OpenSSL of a mod_ssl that is not loaded yet.
package plan

import (
	"context"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
	"tlskeeper/internal/hint"
	"tlskeeper/templates"
)

// Plan is a change worked out and not yet made.
type Plan struct {
	Change   Change              `json:"change"`
	Files    []filechange.Change `json:"-"`        // whole files: they may hold passwords
	Warnings []conf.Finding      `json:"warnings"` // would be true after it; worth a look
	Blocked  []conf.Finding      `json:"blocked"`  // Apply refuses until these are gone
	Missing  []conf.Finding      `json:"missing"`  // certificates that no virtual host would serve, and what to write where
	Restart  bool                `json:"restart"`  // needs stop and start instead of a reload

	Planned []*conf.Node                 `json:"-"` // the effective configuration then
	Modules []string                     `json:"-"` // loaded when the plan is in force
	Leaves  map[string]*x509.Certificate `json:"-"`
	Profile *templates.Profile           `json:"-"` // as the change names it; tests put others here
	Force   bool                         `json:"-"` // restores an earlier state: a broken present one is no reason to refuse
}

// Empty tells that applying would touch nothing.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.Files, func(f filechange.Change) bool { return !f.Internal })
}

// Diff is the exact change of every file as `diff -u` shows it, with terminal
// control bytes of an admin's file escaped.
func (p *Plan) Diff() string {
	var b strings.Builder
	for _, f := range p.Files {
		if !f.Internal {
			b.WriteString(f.Diff())
		}
	}
	return b.String()
}

// Make works out what c would change, without writing anything. What stands
// in the way is in Blocked, not in the error. What is there already is the
// proof's to try.
func Make(ctx context.Context, s *httpd.Server, c Change) (*Plan, error) {
	profile, err := lookup(c.Profile)
	if err != nil {
		return nil, err
	}
	if profile != nil {
		c.Profile = profile.Name // not the one it had
	}
	return MakeWith(ctx, s, c, profile)
}

func lookup(name string) (*templates.Profile, error) {
	if name == "" {
		return nil, nil
	}
	p, ok := templates.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("profile %q: want one of %s", name, strings.Join(templates.ProfileNames(), ", "))
	}
	return &p, nil
}

// Refused is the error of Apply for a blocked plan.
func (p *Plan) Refused() error {
	fix := ""
	for _, f := range p.Blocked {
		if f.Fix != "" {
			if fix = f.Fix; fix != check.WithRestart && !strings.HasPrefix(fix, "tlskeeper ") { // a line to write, not to type
				fix = f.Place() + ": " + fix
			}
			break
		}
	}
	err := error(&conf.RefusedError{Why: "the plan cannot be carried out", Findings: p.Blocked})
	if fix != "" {
		err = hint.Wrap(err, fix)
	}
	return err
}

// OnlyRenewed: the plan gives sites that are installed a newer certificate and
// does nothing else. Nothing points back to an old one, so it is no change to
// undo.
func (p *Plan) OnlyRenewed(cfg httpd.Config) bool {
	for _, f := range p.Files {
		site := filepath.Dir(f.Path) == cfg.EtcDir && filepath.Base(f.Path) != globalName && p.Leaves[strings.TrimSuffix(filepath.Base(f.Path), ".conf")] != nil
		if !f.Internal && (!site || f.Old == nil || f.New == nil) {
			return false
		}
	}
	return !p.Empty()
}

// Repairs: the files change, and what we remember of them does not.
func (p *Plan) Repairs() bool {
	return !p.Force && !slices.ContainsFunc(p.Files, func(f filechange.Change) bool { return f.Internal })
}
