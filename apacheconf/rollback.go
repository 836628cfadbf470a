package apacheconf

import (
	"context"
	"errors"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/durable"
)

// ErrNothingToUndo: no change of ours is left in the history.
var ErrNothingToUndo = errors.New("rolling back: no change of ours is left to undo")

// Rollback undoes the newest change that is not a renewal, adoptions included,
// byte for byte, with the same proofs as Apply. A file that was edited since is
// refused by name. No certificate that a renewal replaced comes back.
func Rollback(ctx context.Context, cfg Config, u Undo) (*Result, error) {
	s, err := inspectAny(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return s.locked(ctx, func(healed bool) (*Result, error) {
		if healed {
			return &Result{Changed: true, Healed: true}, nil // that was the newest change
		}
		return rollback(ctx, cfg, u)
	})
}

// inspectAny also accepts an Apache whose configuration is broken: then the
// rollback may be what repairs it.
func inspectAny(ctx context.Context, cfg Config) (*Server, error) {
	s, err := inspect(ctx, cfg)
	if _, refused := errors.AsType[*RefusedError](err); refused {
		return &Server{Server: &httpd.Server{Config: cfg}}, nil
	}
	return s, err
}

func rollback(ctx context.Context, cfg Config, u Undo) (*Result, error) {
	number, s, past, err := newest(ctx, cfg, u)
	if err != nil {
		return nil, err
	}
	r, err := s.carryOut(ctx, past.Plan)
	if err != nil {
		return nil, err
	}
	// The undoing put itself into the history; both entries go.
	for _, n := range history(cfg) {
		if n >= number {
			if err := durable.Remove(entry(cfg, n)); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}
