package renewal

import (
	"context"
	"errors"

	"tlskeeper/acme"
)

// Delete takes a certificate out of the store, with its keys, once the server
// has let go of it: without its files a server that uses it would not start
// again.
func Delete(ctx context.Context, cfg Config, name string) error {
	r := newRun(cfg, Options{})
	return r.locked(ctx, func() error {
		if err := r.Deploy.Release(ctx, name); err != nil {
			return err
		}
		return errors.Join(r.store.Delete(name), r.publish())
	})
}

// forgetTries leaves no record of what the configuration does not have and
// this run could not issue: nobody would try again, or repair it.
func (r *run) forgetTries() {
	if !r.AdHoc {
		return
	}
	for _, out := range r.report.Certificates {
		if out.Generation > 0 {
			continue
		}
		if err := acme.Forget(r.store, out.Name); err != nil && out.Error == "" {
			r.Log.Warn("the record of a try could not be removed", "certificate", out.Name, "err", err)
		}
	}
}
