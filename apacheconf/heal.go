package apacheconf

import (
	"context"
	"fmt"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/proof"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/flock"
)

// heal undoes a change that was cut off, by a kill or a power failure. It runs
// under the lock. Apache is reloaded, or started where it died of the change.
func heal(ctx context.Context, cfg Config) (bool, error) {
	proof.Sweep(cfg.StateDir)
	j, err := readJournal(journalPath(cfg))
	if j == nil || err != nil {
		return false, err
	}
	cfg.Logger().Warn("undoing a change that was cut off", "started", j.Started)
	if err := j.restore(cfg.Logger()); err != nil {
		return false, fmt.Errorf("undoing a change that was cut off: %w", err)
	}
	if j.Running {
		if err := revive(ctx, cfg); err != nil {
			return false, fmt.Errorf("undoing a change that was cut off: %w", err)
		}
	}
	return true, durable.Remove(journalPath(cfg))
}

// revive loads what is on disk now, into a running Apache or a new one.
func revive(ctx context.Context, cfg Config) error {
	s, err := inspect(ctx, cfg)
	if err != nil {
		return conf.Unhinted(err)
	}
	return s.bringBack(ctx)
}

// CutOff tells whether a change was cut off, by a kill or a power failure, and
// not undone yet; false also where this user may not look.
func CutOff(cfg Config) bool { return httpd.Exists(journalPath(cfg)) }

// Heal undoes a change that was cut off, and starts the Apache that died of it
// through its service manager. It tells whether there was one. Where there is
// none it costs nothing: whoever is about to need Apache calls it first.
//
// It returns *flock.HeldError where the change is still being made.
func Heal(ctx context.Context, cfg Config) (bool, error) {
	if !CutOff(cfg) {
		return false, nil
	}
	lock, err := flock.Acquire(ctx, lockPath(cfg), lockWait)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	return heal(ctx, cfg)
}

// makeState makes our directories: the one of the state closed, the one above
// it, which is not ours alone, open.
func makeState(cfg Config) error {
	return durable.MkdirBase(cfg.StateDir, 0o700)
}
