package renewal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"tlskeeper/acme"
	"tlskeeper/apacheconf"
	"tlskeeper/apacheconf/probe"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
)

// probeTimeout bounds one handshake with the local server.
const probeTimeout = 10 * time.Second

// Apache deploys to the Apache that cfg describes.
func Apache(cfg apacheconf.Config) Deployer {
	return Deployer{
		Activate: func(ctx context.Context, generations map[string]string) error {
			_, err := apacheconf.Activate(ctx, cfg, generations)
			return err
		},
		Served: func(ctx context.Context, generations []acme.Generation) (map[string]error, error) {
			server, err := apacheconf.Survey(ctx, cfg)
			if err == nil {
				err = server.Running()
			}
			if err != nil {
				return nil, err
			}
			return askAll(ctx, server, generations), nil
		},
		Heal:    func(ctx context.Context) (bool, error) { return apacheconf.Heal(ctx, cfg) },
		Release: func(ctx context.Context, name string) error { return apacheconf.Release(ctx, cfg, name) },
		Active:  func() (map[string]string, error) { return apacheconf.ActiveGenerations(cfg.EtcDir) },
	}
}

// askParallel bounds the handshakes at once: each costs the server a signature.
const askParallel = 16

// askAll says of each certificate that is not served what is wrong.
func askAll(ctx context.Context, server *apacheconf.Server, generations []acme.Generation) map[string]error {
	faults := make([]error, len(generations))
	var group errgroup.Group
	group.SetLimit(askParallel)
	for i, g := range generations {
		group.Go(func() error {
			faults[i] = servedBy(ctx, server, g)
			return nil
		})
	}
	group.Wait()
	why := map[string]error{}
	for i, g := range generations {
		if faults[i] != nil {
			why[g.Name] = faults[i]
		}
	}
	return why
}

// servedBy returns nil when every TLS virtual host that the certificate is
// valid for includes our lines, and shows this very leaf to the clients that
// can choose its signature family.
func servedBy(ctx context.Context, server *apacheconf.Server, g acme.Generation) error {
	adopt := "tlskeeper apache adopt " + g.Name
	var faults []error
	found := false
	for _, v := range server.VHosts {
		if !v.TLS || len(v.Names) == 0 || g.Leaf.VerifyHostname(v.Names[0]) != nil {
			continue
		}
		found = true
		if v.Include != g.Name {
			faults = append(faults, hint.Wrap(fmt.Errorf("virtual host %s (%s:%d) does not serve it", v.Name(), v.File, v.Line), adopt))
			continue
		}
		faults = append(faults, shown(ctx, server, v, g.Leaf))
	}
	if !found {
		return hint.Wrap(errors.New("no TLS virtual host of Apache has one of its names as ServerName"), "write one, then: "+adopt)
	}
	return errors.Join(faults...)
}

// shown asks each address of v for each of its names that want is valid for: an
// earlier virtual host may answer to an alias of v.
func shown(ctx context.Context, server *apacheconf.Server, v apacheconf.VHost, want *x509.Certificate) error {
	addresses := server.LiveAddrs(v)
	if len(addresses) == 0 {
		return fmt.Errorf("virtual host %s (%s:%d): no Listen reaches it", v.Name(), v.File, v.Line)
	}
	var faults []error
	for _, address := range addresses {
		for _, name := range v.Names {
			if want.VerifyHostname(name) == nil {
				faults = append(faults, shownAt(ctx, probe.Target{Addr: address, SNI: name}, want))
			}
		}
	}
	return errors.Join(faults...)
}

func shownAt(ctx context.Context, target probe.Target, want *x509.Certificate) error {
	got, err := handshake(ctx, target, leaf.Family(want))
	if err != nil {
		return fmt.Errorf("asking %s for %s: %w", target.Addr, target.SNI, err)
	}
	if !got.Equal(want) {
		return fmt.Errorf("%s shows serial %x for %s, not %x", target.Addr, got.SerialNumber, target.SNI, want.SerialNumber)
	}
	return nil
}

func handshake(ctx context.Context, target probe.Target, family string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cert, _, err := probe.Leaf(ctx, target, family)
	return cert, err
}
