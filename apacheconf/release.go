package apacheconf

import (
	"context"
	"fmt"
	"slices"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/hint"
)

// Release takes away the include of a certificate that is to be deleted. Where
// a virtual host reads it, that is a *RefusedError: without the certificate's
// files Apache would not start again.
func Release(ctx context.Context, cfg Config, name string) error {
	active, err := ActiveGenerations(cfg.EtcDir)
	if err != nil || active[name] == "" {
		return err
	}
	s, err := Discover(ctx, cfg)
	if err != nil {
		return err
	}
	_, err = s.locked(ctx, func(bool) (*Result, error) { return nil, s.release(name) })
	return err
}

func (s *Server) release(name string) error {
	m, err := plan.Installed(s.Config)
	if err != nil {
		return err
	}
	path := plan.SitePath(s.Config, name)
	for _, v := range s.VHosts {
		if v.Include == name {
			return hint.Wrap(&RefusedError{Why: fmt.Sprintf("virtual host %s (%s:%d) uses the certificate %s", v.Name(), v.File, v.Line, name)},
				"give that virtual host another certificate first")
		}
	}
	if slices.ContainsFunc(m.Adoptions, func(a plan.Adoption) bool { return a.Name == name }) {
		return &RefusedError{Why: "a virtual host was made to use the certificate " + name + ", and may be enabled again"}
	}
	if err := durable.Remove(path); err != nil {
		return fmt.Errorf("removing the include of %s: %w", name, err)
	}
	delete(m.Files, path)
	return durable.WriteFile(plan.ManifestPath(s.Config), m.Encode(), 0o600)
}
