package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/durable"
)

// Activate serves these generations (certificate name -> directory) and keeps
// everything else as installed: what a renewal needs. Result.Missing says
// which certificates no virtual host serves.
func Activate(ctx context.Context, cfg Config, generations map[string]string) (*Result, error) {
	c := Change{Generations: generations}
	r, err := planAndApply(ctx, cfg, c)
	if refused, ok := errors.AsType[*conf.RefusedError](err); !ok || !refused.About("syntax") {
		return r, err
	}
	repaired, fault := repairSites(ctx, cfg, generations)
	if fault != nil || !repaired {
		return r, errors.Join(err, fault)
	}
	return planAndApply(ctx, cfg, c)
}

// Uninstall takes everything of ours away: adoptions are undone, files and
// links removed. Certificates are not touched. It cannot be rolled back; apply
// and adopt install again.
func Uninstall(ctx context.Context, cfg Config, u Undo) (*Result, error) {
	r, err := planAndApply(ctx, cfg, Change{Remove: true, AllowRestart: u.AllowRestart})
	if err != nil {
		return nil, err
	}
	for _, n := range history(cfg) {
		if err := durable.Remove(entry(cfg, n)); err != nil {
			return nil, fmt.Errorf("clearing the history: %w", err)
		}
	}
	os.Remove(historyDir(cfg)) // empty now; a stranger's file keeps it
	return r, durable.Remove(pidPath(cfg))
}

func planAndApply(ctx context.Context, cfg Config, c Change) (*Result, error) {
	s, err := Discover(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.Apply(ctx, p)
}
