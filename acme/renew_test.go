package acme_test

import (
	"context"

	"tlskeeper/acme"
	"tlskeeper/internal/renewal"
)

// The tests inside of the package cannot import what imports it.
func init() {
	acme.Renew = func(ctx context.Context, dir string, c *acme.Client, r acme.Request) error {
		_, err := renewal.Run(ctx, renewal.Config{Dir: dir, Client: c, Requests: []acme.Request{r}}, renewal.Options{Attended: true})
		return err
	}
}
