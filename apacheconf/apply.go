package apacheconf

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/flock"
	"tlskeeper/internal/hint"
)

// Result is what an apply did.
type Result struct {
	Changed   bool      `json:"changed"`   // files, or what Apache has loaded of them
	Healed    bool      `json:"healed"`    // a change that was cut off was undone first
	Restarted bool      `json:"restarted"` // stop and start instead of a reload
	Files     []string  `json:"files"`
	Proved    int       `json:"proved"`   // handshakes with the live server that showed what was planned
	Warnings  []Finding `json:"warnings"` // of the plan
	Missing   []Finding `json:"missing"`  // certificates that no virtual host serves
}

// Serving are those of these certificates that every one of their virtual
// hosts serves now.
func (r *Result) Serving(generations map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(generations)) {
		if !slices.ContainsFunc(r.Missing, func(f Finding) bool { return f.Certificate == name }) {
			out = append(out, name)
		}
	}
	return out
}

// Apply makes a plan true: it proves it on a shadow Apache, writes, reloads,
// and shakes hands with the live server. What does not hold is undone.
// Applying what is already true touches nothing; what is on disk and was never
// loaded, is loaded.
//
// It returns *flock.HeldError when another run is at it, *RefusedError when
// nothing was touched, and *RolledBackError when the change was made, did not
// hold and was undone.
func (s *Server) Apply(ctx context.Context, p *Plan) (*Result, error) {
	return s.locked(ctx, func(healed bool) (*Result, error) {
		fresh, now, err := s.replan(ctx, p)
		if err != nil {
			return nil, err
		}
		if !healed && fresh.Diff() != p.Diff() {
			return nil, hint.Wrap(&RefusedError{Why: "the files changed after the plan was made"}, "plan again")
		}
		r, err := now.carryOut(ctx, fresh)
		if r != nil {
			r.Healed = healed
		}
		return r, err
	})
}

// locked runs do with the lock held and a cut-off change undone.
func (s *Server) locked(ctx context.Context, do func(healed bool) (*Result, error)) (*Result, error) {
	if err := makeState(s.Config); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	lock, err := flock.Acquire(ctx, lockPath(s.Config), lockWait)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	healed, err := heal(ctx, s.Config)
	if err != nil {
		return nil, err
	}
	return do(healed)
}

// replan reads everything again under the lock.
func (s *Server) replan(ctx context.Context, p *Plan) (*Plan, *Server, error) {
	now, err := Discover(ctx, s.Config)
	if err != nil {
		return nil, nil, err
	}
	now.hooks = s.hooks
	fresh, err := plan.MakeWith(ctx, now.Server, p.Change, p.Profile)
	return fresh, now, err
}

// carryOut applies a plan made under the lock.
func (s *Server) carryOut(ctx context.Context, p *Plan) (*Result, error) {
	r := &Result{Warnings: p.Warnings, Missing: p.Missing}
	if p.Empty() && p.Force {
		return r, nil // a person has undone it already
	}
	if len(p.Blocked) > 0 {
		return nil, p.Refused()
	}
	if p.Empty() {
		return s.loadOnDisk(ctx, p, r)
	}
	if err := s.Startable(); err != nil {
		return nil, err
	}
	t := &transaction{s: s, p: p}
	if err := t.prove(ctx); err != nil {
		return nil, err
	}
	if err := t.journal.write(s.Config); err != nil {
		return nil, err
	}
	s.hooks.at("journal")
	if err := t.install(ctx); err != nil {
		return nil, t.undo(ctx, err)
	}
	if err := commit(s.Config, t.journal); err != nil {
		return nil, t.undo(ctx, err)
	}
	r.Changed, r.Restarted, r.Proved = true, p.Restart, t.after.Questions()
	for _, f := range p.Files {
		if !f.Internal {
			r.Files = append(r.Files, f.Path)
		}
	}
	return r, nil
}
