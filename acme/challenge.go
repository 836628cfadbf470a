package acme

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	lego "github.com/go-acme/lego/v4/acme"

	"tlskeeper/internal/term"
)

// Challenge is how control of a name is proven. Exactly one of its ways is set
// up by Type and the fields behind it.
type Challenge struct {
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

// proof is one answer to one challenge.
type proof struct {
	Way     Challenge `json:"way"`
	Name    string    `json:"name"` // without a wildcard's "*."
	Token   string    `json:"token"`
	KeyAuth string    `json:"key_auth"` // public: the CA fetches it over plain HTTP

	challengeURL, authzURL string
}

// solver makes proofs visible to the CA and takes them away again. Both have
// to bear repetition: after a kill the next run withdraws what it finds in the
// journal.
type solver interface {
	present(ctx context.Context, p proof) error
	withdraw(ctx context.Context, p proof) error
	close() error // after the last withdraw
}

// newSolver sets up one way of proving.
func newSolver(way Challenge) (solver, error) {
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

// solvers holds one solver per way of a run.
type solvers map[Challenge]solver

func (s solvers) of(way Challenge) (solver, error) {
	if known, ok := s[way]; ok {
		return known, nil
	}
	made, err := newSolver(way)
	if err != nil {
		return nil, err
	}
	s[way] = made
	return made, nil
}

func (s solvers) close() error {
	var errs []error
	for _, one := range s {
		errs = append(errs, one.close())
	}
	return errors.Join(errs...)
}

// token is what a CA may use: base64url (RFC 8555, section 8.3). A token
// becomes a file's name, so anything else is an attack (CVE-2026-40611).
var token = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// find picks the challenge of the wanted type out of what the CA offers; types
// that we do not know are passed over.
func find(authz lego.Authorization, kind string) (lego.Challenge, error) {
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
