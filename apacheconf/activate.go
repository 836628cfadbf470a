package apacheconf

import (
	"context"
	"errors"
	"maps"
	"slices"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/filechange"
	"tlskeeper/internal/flock"
)

// Activate serves these generations (certificate name -> directory) and keeps
// everything else as installed: what a renewal needs. Result.Missing says
// which certificates no virtual host serves.
func Activate(ctx context.Context, cfg Config, generations map[string]string) (*Result, error) {
	c := Change{Generations: generations}
	r, err := planAndApply(ctx, cfg, c)
	if refused, ok := errors.AsType[*RefusedError](err); !ok || !refused.About("syntax") {
		return r, err
	}
	repaired, fault := repairSites(ctx, cfg, generations)
	if fault != nil || !repaired {
		return r, errors.Join(err, fault)
	}
	return planAndApply(ctx, cfg, c)
}

func planAndApply(ctx context.Context, cfg Config, c Change) (*Result, error) {
	s, err := Discover(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p, err := plan.Make(ctx, s.Server, c)
	if err != nil {
		return nil, err
	}
	return s.Apply(ctx, p)
}

// repairSites points our own includes away from generations that are gone from
// the disk: httpd reads no configuration that names them, and so nothing could
// be planned. Where that does not make it readable all is put back.
//
// What is written lacks the head of our includes: it is no loaded state, and
// the apply that follows replaces it with all its proofs.
func repairSites(ctx context.Context, cfg Config, generations map[string]string) (repaired bool, err error) {
	lock, err := flock.Acquire(ctx, lockPath(cfg), lockWait)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	var done []filechange.Change
	for _, name := range slices.Sorted(maps.Keys(generations)) {
		change, wanted, err := plan.SiteRepair(cfg, name, generations[name])
		if err != nil {
			return false, errors.Join(err, putBack(done))
		}
		if !wanted {
			continue
		}
		done = append(done, change)
		if err := filechange.Put(change.Path, change.New); err != nil {
			return false, errors.Join(err, putBack(done))
		}
	}
	if len(done) == 0 {
		return false, nil
	}
	if _, err := inspect(ctx, cfg); err != nil {
		return false, putBack(done)
	}
	cfg.Logger().Warn("our includes named certificates that are gone", "files", len(done))
	return true, nil
}

func putBack(done []filechange.Change) error {
	var failed []error
	for _, f := range done {
		failed = append(failed, filechange.Put(f.Path, f.Old))
	}
	return errors.Join(failed...)
}
