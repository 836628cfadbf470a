package renewal

import (
	"context"

	"tlskeeper/acme/store"
)

// Revoke revokes a generation, and publishes it, while no run is under way:
// that one would write what it knew of the certificate before.
//
// Errors to branch on: *flock.HeldError.
func Revoke(ctx context.Context, cfg Config, g store.Generation, reason uint) error {
	r := newRun(cfg, Options{})
	return r.locked(ctx, func() error {
		if err := r.Client.Revoke(ctx, g, reason); err != nil {
			return err
		}
		if err := r.publish(); err != nil {
			r.Log.Warn("the certificate is revoked, and status does not know it yet", "err", err)
		}
		return nil
	})
}

// Deactivate ends the account with the CA that has this directory, while no run
// uses it.
//
// Errors to branch on: *flock.HeldError.
func Deactivate(ctx context.Context, cfg Config, directory string) error {
	return newRun(cfg, Options{}).locked(ctx, func() error { return cfg.Client.Deactivate(ctx, directory) })
}
