package apacheconf

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
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

	planned []*conf.Node
	modules []string // loaded when the plan is in force
	leaves  map[string]*x509.Certificate
	profile *templates.Profile // as the change names it; tests put others here
	force   bool               // restores an earlier state: a broken present one is no reason to refuse
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

// Plan works out what c would change, without writing anything. What stands in
// the way is in Blocked, not in the error; so is a present configuration with
// which Apache would not start again, which is tried on a shadow.
func (s *Server) Plan(ctx context.Context, c Change) (*Plan, error) {
	p, err := s.plan(ctx, c)
	if err == nil {
		p.Blocked = append(s.presentFaults(ctx), p.Blocked...)
	}
	return p, err
}

// plan leaves that to the proof of an apply.
func (s *Server) plan(ctx context.Context, c Change) (*Plan, error) {
	profile, err := lookup(c.Profile)
	if err != nil {
		return nil, err
	}
	return planWith(ctx, s.Server, c, profile)
}

func lookup(name string) (*templates.Profile, error) {
	if name == "" {
		return nil, nil
	}
	p, ok := templates.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("profile %q: want intermediate, modern or seed2016", name)
	}
	return &p, nil
}

// refused is the error of Apply for a blocked plan.
func (p *Plan) refused() error {
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
