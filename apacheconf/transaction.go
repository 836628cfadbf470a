package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
	"tlskeeper/apacheconf/proof"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/filechange"
)

// transaction is one change from its proof to its commit.
type transaction struct {
	s       *Server
	p       *Plan
	journal journal
	before  proof.Expectation // what the live server showed when it began
	after   proof.Expectation // what it must show
	loading bool              // Apache was asked to read the new files
}

// install writes, reloads and waits until the wire shows what was proved.
func (t *transaction) install(ctx context.Context) error {
	if slices.ContainsFunc(t.p.Files, func(f filechange.Change) bool { return f.Path == plan.GlobalPath(t.s.Server) && f.New != nil }) {
		t.s.makeLog()
	}
	for _, f := range t.p.Files {
		if err := filechange.Put(f.Path, f.New); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
		t.s.hooks.at("write " + f.Path)
	}
	t.s.relabel(ctx, t.p.Files)
	if err := t.s.sameAsPlanned(ctx, t.p.Planned); err != nil {
		return err
	}
	if err := t.load(ctx); err != nil {
		return err
	}
	t.s.hooks.at("loaded")
	if err := t.s.hold(ctx, t.after); err != nil {
		return err
	}
	t.s.rememberProcess()
	t.s.hooks.at("proved")
	return nil
}

func (t *transaction) load(ctx context.Context) error {
	t.loading = true
	if !t.p.Restart {
		return t.s.Reload(ctx)
	}
	if err := t.s.Stop(ctx); err != nil {
		return err
	}
	t.s.hooks.at("stopped")
	return t.s.Start(ctx)
}

const errSettled = httpd.Final("the new workers serve something else than was proved")

// hold waits until the live server shows exactly what e wants. Old workers may
// still answer for a moment after a reload.
func (s *Server) hold(ctx context.Context, e proof.Expectation) error {
	var leaves time.Time // since when the certificates are right
	return httpd.Poll(ctx, httpd.HoldTimeout, func() (bool, error) {
		diffs := e.Differences(ctx)
		if len(diffs) > 0 {
			leaves = time.Time{}
		} else if leaves.IsZero() {
			leaves = time.Now()
		}
		if _, ok := s.Parent(); !ok {
			return false, httpd.ErrDied
		}
		if len(diffs) == 0 {
			diffs = e.PolicyDifferences(ctx)
		}
		switch {
		case len(diffs) == 0:
			return true, nil
		case !leaves.IsZero() && time.Since(leaves) > policyTimeout && diffs[0].Code != proof.CodeUnproven:
			return false, fmt.Errorf("%w: %s", errSettled, diffs[0])
		}
		return false, errors.New(diffs[0].String())
	})
}

// rememberProcess notes which Apache has loaded our change. It serves one rule
// and is not worth a failure.
func (s *Server) rememberProcess() {
	if p, ok := s.Parent(); ok {
		if err := durable.WriteFile(plan.PidPath(s.Config), []byte(strconv.Itoa(p.PID)+"\n"), 0o600); err != nil {
			s.Config.Logger().Warn("noting the process of apache failed", "err", err)
		}
	}
}

// undo restores the files and brings the live server back to what it showed
// before. It does not end with the caller's context: an interrupted apply must
// still leave a healthy server.
func (t *transaction) undo(ctx context.Context, cause error) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*httpd.ReloadTimeout)
	defer cancel()
	back := &RolledBackError{Cause: cause}
	back.Trouble = t.back(ctx)
	back.Healthy = back.Trouble == nil
	back.Took = time.Since(began)
	if back.Healthy {
		back.Trouble = durable.Remove(journalPath(t.s.Config))
	}
	return back
}

func (t *transaction) back(ctx context.Context) error {
	if err := t.journal.restore(t.s.Config.Logger()); err != nil {
		return err
	}
	t.s.relabel(ctx, t.p.Files)
	if t.loading {
		if err := t.s.bringBack(ctx); err != nil {
			return err
		}
	}
	return t.s.hold(ctx, t.before)
}
