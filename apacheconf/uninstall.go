package apacheconf

import (
	"context"
	"fmt"
	"os"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/durable"
)

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
	return r, durable.Remove(plan.PidPath(cfg))
}
