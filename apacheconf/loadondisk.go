package apacheconf

import (
	"context"
	"errors"
	"fmt"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/proof"
)

// loadOnDisk carries out a plan that writes nothing: what is on disk may be broken,
// or never have been loaded. Where the running Apache shows all of it, nothing
// is touched and nothing reloaded.
func (s *Server) loadOnDisk(ctx context.Context, p *Plan, r *Result) (*Result, error) {
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
	if !p.Restart && len(e.Differences(ctx)) == 0 && len(e.PolicyDifferences(ctx)) == 0 {
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
	r.Changed, r.Restarted, r.Proved = true, p.Restart, e.Questions()
	return r, nil
}

// onDisk is what a shadow of the present configuration shows; one that would
// not start, or is not heard, is a *RefusedError.
func (s *Server) onDisk(ctx context.Context) (proof.Expectation, error) {
	e, err := proof.Try(ctx, s.Server, proof.Trial{Conf: s.Conf, Modules: s.Modules, Hosts: s.VHosts, Policies: true})
	if dead, ok := errors.AsType[*proof.DeadError](err); ok {
		return e, broken(dead.Findings)
	}
	if err != nil {
		return e, err
	}
	if faults := e.Unproven(); len(faults) > 0 {
		return e, proof.NotProved(faults)
	}
	return e, nil
}
