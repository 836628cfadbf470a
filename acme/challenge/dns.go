package challenge

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/providers/dns/httpreq"
	"github.com/go-acme/lego/v4/providers/dns/route53"

	"tlskeeper/internal/child"
	"tlskeeper/internal/safepath"
)

// dnsTimeout bounds one change of a record. Route 53 says after about a minute
// that its servers agree.
const dnsTimeout = 5 * time.Minute

func newDNSSolver(way Way) (Solver, error) {
	var provider challenge.Provider
	var err error
	switch way.Provider {
	case "exec":
		if way.Exec == "" {
			return nil, errors.New(`the DNS provider "exec" needs dns_exec, the program to run`)
		}
		_, err := safepath.Command([]string{way.Exec}, child.MinimalEnv())
		return &dnsProgram{path: way.Exec}, err
	case "httpreq":
		if err = safepath.CheckNamedFiles("HTTPREQ_"); err == nil {
			provider, err = httpreq.NewDNSProvider()
		}
	case "route53":
		if err = safepath.CheckAWS(); err == nil {
			provider, err = route53.NewDNSProvider()
		}
	default:
		return nil, fmt.Errorf("unknown DNS provider %q (exec, httpreq or route53)", way.Provider)
	}
	if err != nil {
		return nil, fmt.Errorf("setting up the DNS provider: %w", err)
	}
	return &dnsProvider{lego: provider}, nil
}

// dnsProgram runs a program of the user as lego's exec provider does:
// PROGRAM present|cleanup FQDN VALUE, and waits for its end: the record has to
// be visible then. lego's own has neither a deadline nor a clean environment.
type dnsProgram struct {
	path    string
	records perName
}

func (d *dnsProgram) Present(ctx context.Context, p Proof) error  { return d.run(ctx, "present", p) }
func (d *dnsProgram) Withdraw(ctx context.Context, p Proof) error { return d.run(ctx, "cleanup", p) }
func (d *dnsProgram) Close() error                                { return nil }

func (d *dnsProgram) run(ctx context.Context, what string, p Proof) error {
	defer d.records.lock(p.Name)()
	env := child.MinimalEnv()
	argv, err := safepath.Command([]string{d.path, what, "_acme-challenge." + p.Name + ".", txtValue(p.KeyAuth)}, env)
	if err == nil {
		_, err = child.Run(ctx, child.Cmd{Argv: argv, Env: env, Timeout: dnsTimeout})
	}
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

// perName keeps changes of one record apart: a name and its wildcard are
// proven by two values of the same record, and providers read it, add theirs
// and write it back.
type perName struct {
	mu    sync.Mutex
	names map[string]*sync.Mutex
}

func (l *perName) lock(name string) (unlock func()) {
	l.mu.Lock()
	if l.names == nil {
		l.names = map[string]*sync.Mutex{}
	}
	one := l.names[name]
	if one == nil {
		one = new(sync.Mutex)
		l.names[name] = one
	}
	l.mu.Unlock()
	one.Lock()
	return one.Unlock
}

// dnsProvider is one of lego's. They take no context: a cancelled one leaves
// the call to end by itself.
type dnsProvider struct {
	lego    challenge.Provider
	records perName
}

func (d *dnsProvider) Present(ctx context.Context, p Proof) error {
	return d.change(ctx, p, d.lego.Present)
}

func (d *dnsProvider) Withdraw(ctx context.Context, p Proof) error {
	return d.change(ctx, p, d.lego.CleanUp)
}

func (d *dnsProvider) change(ctx context.Context, p Proof, f func(domain, token, keyAuth string) error) error {
	return abandonable(ctx, func() error {
		defer d.records.lock(p.Name)()
		return f(p.Name, p.Token, p.KeyAuth)
	})
}

func (d *dnsProvider) Close() error { return nil }

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
