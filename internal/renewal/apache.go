package renewal

import (
	"context"

	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
)

// Apache deploys to the Apache that cfg describes.
func Apache(cfg apacheconf.Config) Deployer {
	return Deployer{
		Activate: func(ctx context.Context, generations map[string]string) error {
			_, err := apacheconf.Activate(ctx, cfg, generations)
			return err
		},
		Served: func(ctx context.Context, generations []store.Generation) (map[string]error, error) {
			if stillServed(ctx, cfg, generations) {
				return nil, nil
			}
			return look(ctx, cfg, generations)
		},
		Heal:    func(ctx context.Context) (bool, error) { return apacheconf.Heal(ctx, cfg) },
		Release: func(ctx context.Context, name string) error { return apacheconf.Release(ctx, cfg, name) },
		Active:  func() (map[string]string, error) { return apacheconf.ActiveGenerations(cfg.EtcDir) },
	}
}
