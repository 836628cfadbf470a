// Package challenge is the ways to prove control of a name to a CA: a file in
// a webroot, a listener of our own, a record of the DNS (RFC 8555, section 8;
// RFC 8737). It asks the CA nothing.
//
// It may import the mechanisms, and of lego the types of an authorization and
// two DNS providers.
package challenge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	lego "github.com/go-acme/lego/v4/acme"

	"tlskeeper/internal/term"
)

// Way is how control of a name is proven. Exactly one of its ways is set
// up by Type and the fields behind it.
type Way struct {
	Type     string `json:"type"`               // "http-01", "tls-alpn-01" or "dns-01"
	Webroot  string `json:"webroot,omitempty"`  // http-01: a directory that Apache serves on port 80
	Listen   string `json:"listen,omitempty"`   // http-01 without a webroot, tls-alpn-01: where we listen
	Provider string `json:"provider,omitempty"` // dns-01: "exec", "httpreq" or "route53"
	Exec     string `json:"exec,omitempty"`     // dns-01 by exec: the program
}

// The challenge types (RFC 8555, section 8; RFC 8737).
const (
	HTTP01    = "http-01"
	TLSALPN01 = "tls-alpn-01"
	DNS01     = "dns-01"
)

// Proof is one answer to one challenge.
type Proof struct {
	Way     Way    `json:"way"`
	Name    string `json:"name"` // without a wildcard's "*."
	Token   string `json:"token"`
	KeyAuth string `json:"key_auth"` // public: the CA fetches it over plain HTTP

	// Where the CA has its challenge and its authorization.
	ChallengeURL string `json:"-"`
	AuthzURL     string `json:"-"`
}

// Solver makes proofs visible to the CA and takes them away again. Both have
// to bear repetition: after a kill the next run withdraws what it finds in the
// journal.
type Solver interface {
	Present(ctx context.Context, p Proof) error
	Withdraw(ctx context.Context, p Proof) error
	Close() error // after the last withdraw
}

// New sets up one way of proving.
func New(way Way) (Solver, error) {
	switch {
	case way.Type == HTTP01 && way.Webroot != "":
		return newWebroot(way.Webroot), nil
	case way.Type == HTTP01 && way.Listen != "":
		return &httpListener{address: way.Listen}, nil
	case way.Type == TLSALPN01 && way.Listen != "":
		return &alpnListener{address: way.Listen}, nil
	case way.Type == DNS01:
		return newDNSSolver(way)
	}
	return nil, fmt.Errorf("the challenge %q is not set up: http-01 needs a webroot or a listen address, tls-alpn-01 a listen address, dns-01 a provider", way.Type)
}

// Solvers holds one solver per way of a run.
type Solvers map[Way]Solver

// Of sets a way up, once.
func (s Solvers) Of(way Way) (Solver, error) {
	if known, ok := s[way]; ok {
		return known, nil
	}
	made, err := New(way)
	if err != nil {
		return nil, err
	}
	s[way] = made
	return made, nil
}

// Close ends all that were set up.
func (s Solvers) Close() error {
	var errs []error
	for _, one := range s {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// token is what a CA may use: base64url (RFC 8555, section 8.3). A token
// becomes a file's name, so anything else is an attack (CVE-2026-40611).
var token = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// Find picks the challenge of the wanted type out of what the CA offers; types
// that we do not know are passed over.
func Find(authz lego.Authorization, kind string) (lego.Challenge, error) {
	for _, c := range authz.Challenges {
		if c.Type != kind {
			continue
		}
		if !token.MatchString(c.Token) {
			return c, fmt.Errorf("the CA's token %q for %s is not base64url", term.Brief(c.Token), term.Brief(authz.Identifier.Value))
		}
		return c, nil
	}
	return lego.Challenge{}, fmt.Errorf("the CA does not offer %s for %s", kind, term.Brief(authz.Identifier.Value))
}

// CheckWebroot sees before anything is ordered that there is a directory.
func (w Way) CheckWebroot() error {
	if w.Type != HTTP01 || w.Webroot == "" {
		return nil
	}
	info, err := os.Stat(w.Webroot)
	if err != nil {
		return fmt.Errorf("looking at the webroot: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the webroot %s is not a directory", w.Webroot)
	}
	return nil
}

// Advice says what to do about a way that cannot be gone.
func (w Way) Advice() string {
	switch {
	case w.Type == DNS01 && w.Provider == "httpreq":
		return "httpreq takes HTTPREQ_ENDPOINT, and where it needs them HTTPREQ_USERNAME and HTTPREQ_PASSWORD, from the environment"
	case w.Type == DNS01:
		return "dns_provider is exec (with dns_exec), httpreq or route53"
	}
	return "set webroot (the DocumentRoot that answers on port 80) or listen"
}

// Advice is what to look at when a CA could not see the proof.
func (p Proof) Advice() string {
	switch {
	case p.Way.Webroot != "":
		return "see that http://" + p.Name + "/.well-known/acme-challenge/ is answered from " + p.Way.Webroot + ", from outside and over IPv6 too"
	case p.Way.Type == DNS01:
		return "see that the DNS program or provider sets the TXT record of _acme-challenge." + p.Name
	}
	return "see that the CA reaches " + p.Way.Listen + " of this host under the name " + p.Name
}
