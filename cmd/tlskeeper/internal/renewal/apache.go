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
			var certificates []apacheconf.Deployed
			for _, g := range generations {
				certificates = append(certificates, asDeployed(g))
			}
			return apacheconf.NotServed(ctx, cfg, certificates)
		},
		Heal:    func(ctx context.Context) (bool, error) { return apacheconf.Heal(ctx, cfg) },
		Release: func(ctx context.Context, name string) error { return apacheconf.Release(ctx, cfg, name) },
		Active:  func() (map[string]string, error) { return apacheconf.ActiveGenerations(cfg.EtcDir) },
	}
}

// asDeployed is a generation as apacheconf knows it.
func asDeployed(g store.Generation) apacheconf.Deployed {
	return apacheconf.Deployed{Name: g.Name, Dir: g.Dir, Leaf: g.Leaf}
}

// Uncarried lists the names of a generation that no TLS virtual host had when
// the server was last looked at as a whole: for these, visitors see another
// certificate. nil where the server was not seen serving it.
func Uncarried(cfg apacheconf.Config, g store.Generation) []string {
	return apacheconf.Uncarried(cfg, asDeployed(g))
}
