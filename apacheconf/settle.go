package apacheconf

import (
	"context"
	"errors"
	"fmt"

	"tlskeeper/apacheconf/check"
)

// settle carries out a plan that writes nothing: what is on disk may be broken,
// or never have been loaded. Where the running Apache shows all of it, nothing
// is touched and nothing reloaded.
func (s *Server) settle(ctx context.Context, p *Plan, r *Result) (*Result, error) {
	if _, running := s.Parent(); !running {
		return nil, notRunning(s.Server)
	}
	if faults := check.Present(s.Server); len(faults) > 0 {
		return nil, broken(faults)
	}
	if !s.Has("ssl_module") {
		return r, nil
	}
	e, err := s.onDisk(ctx)
	if err != nil {
		return nil, err
	}
	if !p.Restart && len(e.differences(ctx)) == 0 && len(e.policyDifferences(ctx)) == 0 {
		return r, nil
	}
	t := &transaction{s: s, p: p, after: e}
	if err := t.load(ctx); err != nil {
		s.Config.Logger().Warn("loading what is on disk failed", "err", err)
		if err := s.bringBack(ctx); err != nil {
			return nil, fmt.Errorf("loading what is on disk: %w", err)
		}
	}
	if err := s.hold(ctx, e); err != nil {
		return nil, fmt.Errorf("loading what is on disk: %w", err)
	}
	r.Changed, r.Restarted, r.Proved = true, p.Restart, len(e.targets)
	return r, nil
}

// onDisk is what a shadow of the present configuration shows; one that would
// not start, or is not heard, is a *RefusedError.
func (s *Server) onDisk(ctx context.Context) (expectation, error) {
	sh, err := startShadow(ctx, s.Server, s.Conf, s.Modules)
	if failed := (*shadowError)(nil); errors.As(err, &failed) {
		return expectation{}, broken(failed.findings)
	}
	if err != nil {
		return expectation{}, err
	}
	defer sh.stop(s.Config.Logger())
	e := expect(ctx, targets(s.VHosts, sh))
	e.policies = policyTargets(s.VHosts, sh)
	e.wantPolicy = policies(ctx, e.policies, onShadow)
	if faults := e.unproven(); len(faults) > 0 {
		return e, notProved(faults)
	}
	return e, nil
}
