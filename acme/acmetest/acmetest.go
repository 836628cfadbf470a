// Package acmetest runs a real ACME CA (Let's Encrypt's Pebble) inside the
// process, on loopback, with real validation. Tests and the demo use it; the
// product never links it. It imports nothing of the project.
package acmetest

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// Options say how the CA behaves. The zero value is a friendly one: no nonce
// is refused, nothing is validated twice, every certificate lasts 90 days.
type Options struct {
	Dir            string            // where its root file goes; required
	HTTPPort       int               // where http-01 is validated, on 127.0.0.1
	TLSPort        int               // where tls-alpn-01 is validated
	NonceReject    int               // percent of good nonces to refuse
	AuthzReuse     int               // percent of valid authorizations to use again
	Strict         bool              // Pebble's strict mode
	AlwaysValid    bool              // validate nothing
	SleepSeconds   int               // upper bound of the sleep before a validation
	Validity       time.Duration     // of a certificate; 0 is 90 days
	Profiles       map[string]string // name to description; empty is one of an unknown name
	ChainLength    int               // intermediates; 0 is 1
	AlternateRoots int
	EAB            map[string]string // key id to HMAC key; not empty: required
	Blocked        []string          // names refused by policy
	RetryAfter     int               // seconds it asks to wait while validating or processing

	// Intercept stands between the client and the CA, for faults.
	Intercept func(http.Handler) http.Handler
}

// CA is a running one.
type CA struct {
	Directory string // URL
	RootFile  string // PEM file with the root of its HTTPS, for a client's ca_file
	// IssuingRootFile is the PEM file with the roots of what it issues, for
	// those who visit a certified server.
	IssuingRootFile string

	counts  counts
	store   *db.MemoryStore
	issuer  *ca.CAImpl
	server  *http.Server
	dns     *dnsServer // nil in memory
	handler http.Handler
	end     func() // of the validator
}

// Start runs a CA until Close.
func Start(o Options) (*CA, error) {
	names, err := startDNS()
	if err != nil {
		return nil, fmt.Errorf("starting the CA's DNS: %v", err)
	}
	c := &CA{dns: names, store: db.NewMemoryStore()}
	if err := c.policy(o); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.handler = c.build(o)
	if err := errors.Join(c.listen(o.Dir), c.writeRoots(o.Dir)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *CA) policy(o Options) error {
	for kid, key := range o.EAB {
		if err := c.store.AddExternalAccountKeyByID(kid, key); err != nil {
			return err
		}
	}
	for _, name := range o.Blocked {
		if err := c.store.AddBlockedDomain(name); err != nil {
			return err
		}
	}
	return nil
}

// environment guards the process's environment, from which Pebble reads half
// of its switches when it is made.
var environment sync.Mutex

func (c *CA) build(o Options) http.Handler {
	environment.Lock()
	defer environment.Unlock()
	defer switches(o)()
	logger := log.New(&c.counts, "", 0)
	c.issuer = ca.New(logger, c.store, "", "ecdsa", o.AlternateRoots, max(1, o.ChainLength), profiles(o))
	validator := va.New(logger, o.HTTPPort, o.TLSPort, o.Strict, c.resolver(), c.store)
	c.end = sync.OnceFunc(func() { endValidator(validator) })
	front := wfe.New(logger, c.store, validator, c.issuer, []string{"ca.example"}, o.Strict, len(o.EAB) > 0, o.RetryAfter, o.RetryAfter)
	handler := c.counts.requests(front.Handler())
	if o.Intercept != nil {
		handler = o.Intercept(handler)
	}
	return handler
}

// resolver is where names are looked up; "" is the host's, which a CA in memory
// never asks.
func (c *CA) resolver() string {
	if c.dns == nil {
		return ""
	}
	return c.dns.address
}

func profiles(o Options) map[string]ca.Profile {
	made := map[string]ca.Profile{}
	for name, description := range o.Profiles {
		made[name] = ca.Profile{Description: description, ValidityPeriod: uint64(o.Validity / time.Second)}
	}
	if len(made) == 0 {
		made["default"] = ca.Profile{Description: "the only one", ValidityPeriod: uint64(o.Validity / time.Second)}
	}
	return made
}

func (c *CA) listen(dir string) error {
	cert, rootPEM, err := serverCertificate()
	if err != nil {
		return fmt.Errorf("making the CA's own certificate: %v", err)
	}
	c.RootFile = filepath.Join(dir, "acme-root.pem")
	if err := os.WriteFile(c.RootFile, rootPEM, 0o644); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.Directory = "https://" + listener.Addr().String() + wfe.DirectoryPath
	c.server = &http.Server{Handler: c.handler, TLSConfig: cert, ErrorLog: log.New(&c.counts, "", 0), ReadHeaderTimeout: time.Minute}
	go c.server.ServeTLS(listener, "", "")
	return nil
}

// Close ends the CA. What it issued is forgotten.
func (c *CA) Close() error {
	var err error
	if c.server != nil {
		err = c.server.Close()
	}
	if c.dns != nil {
		err = errors.Join(err, c.dns.close())
	}
	if c.end != nil && c.server == nil { // with a server, a late request may still want it
		c.end()
	}
	return err
}

// IssuingRoots returns the roots of what the CA issues; the first is the one
// that the default chain leads to.
func (c *CA) IssuingRoots() []*x509.Certificate {
	var roots []*x509.Certificate
	for i := range c.issuer.GetNumberOfRootCerts() {
		roots = append(roots, c.issuer.GetRootCert(i).Cert)
	}
	return roots
}

// Roots is IssuingRoots as what a client trusts.
func (c *CA) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, root := range c.IssuingRoots() {
		pool.AddCert(root)
	}
	return pool
}

func (c *CA) writeRoots(dir string) error {
	var all []byte
	for _, root := range c.IssuingRoots() {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})...)
	}
	c.IssuingRootFile = filepath.Join(dir, "issuing-roots.pem")
	return os.WriteFile(c.IssuingRootFile, all, 0o644)
}

// SetTXT gives name one TXT record, for dns-01.
func (c *CA) SetTXT(name, value string) { c.dns.set(name, value) }

// SetRenewalInfo makes the CA answer ARI for cert with these bytes, whatever
// they are.
func (c *CA) SetRenewalInfo(cert *x509.Certificate, answer string) error {
	return c.store.SetARIResponse(cert.SerialNumber, answer)
}

// Revoked tells whether cert was revoked.
func (c *CA) Revoked(cert *x509.Certificate) bool {
	return c.store.GetRevokedCertificateBySerial(cert.SerialNumber) != nil
}
