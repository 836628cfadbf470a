package acme

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/providers/dns/httpreq"
	"github.com/go-acme/lego/v4/providers/dns/route53"

	"tlskeeper/internal/child"
)

// dnsTimeout bounds one change of a record. Route 53 says after about a minute
// that its servers agree.
const dnsTimeout = 5 * time.Minute

func newDNSSolver(way Challenge) (solver, error) {
	var provider challenge.Provider
	var err error
	switch way.Provider {
	case "exec":
		if way.Exec == "" {
			return nil, errors.New(`the DNS provider "exec" needs dns_exec, the program to run`)
		}
		return dnsProgram{way.Exec}, nil
	case "httpreq":
		provider, err = httpreq.NewDNSProvider()
	case "route53":
		provider, err = route53.NewDNSProvider()
	default:
		return nil, fmt.Errorf("unknown DNS provider %q (exec, httpreq or route53)", way.Provider)
	}
	if err != nil {
		return nil, fmt.Errorf("setting up the DNS provider: %v", err)
	}
	return dnsProvider{provider}, nil
}

// dnsProgram runs a program of the user as lego's exec provider does:
// PROGRAM present|cleanup FQDN VALUE, and waits for its end: the record has to
// be visible then. lego's own has neither a deadline nor a clean environment.
type dnsProgram struct{ path string }

func (d dnsProgram) present(ctx context.Context, p proof) error  { return d.run(ctx, "present", p) }
func (d dnsProgram) withdraw(ctx context.Context, p proof) error { return d.run(ctx, "cleanup", p) }
func (d dnsProgram) close() error                                { return nil }

func (d dnsProgram) run(ctx context.Context, what string, p proof) error {
	_, err := child.Run(ctx, child.Cmd{
		Argv:    []string{d.path, what, "_acme-challenge." + p.Name + ".", txtValue(p.KeyAuth)},
		Timeout: dnsTimeout,
	})
	if err != nil {
		return fmt.Errorf("running the DNS program (%s): %w", what, err)
	}
	return nil
}

// txtValue is the record's content (RFC 8555, section 8.4).
func txtValue(keyAuth string) string {
	sum := sha256.Sum256([]byte(keyAuth))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// dnsProvider is one of lego's. They take no context: a cancelled one leaves
// the call to end by itself.
type dnsProvider struct{ lego challenge.Provider }

func (d dnsProvider) present(ctx context.Context, p proof) error {
	return abandonable(ctx, func() error { return d.lego.Present(p.Name, p.Token, p.KeyAuth) })
}

func (d dnsProvider) withdraw(ctx context.Context, p proof) error {
	return abandonable(ctx, func() error { return d.lego.CleanUp(p.Name, p.Token, p.KeyAuth) })
}

func (d dnsProvider) close() error { return nil }

func abandonable(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
