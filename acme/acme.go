// Package acme gets certificates from an ACME CA (RFC 8555): keys and CSRs,
// accounts, and orders that survive a kill at any instant. What it gets it puts
// into acme/store; acme/challenge has the ways of proof, acme/schedule the
// question when to renew (RFC 9773).
//
// It may import these three, internal/leaf, internal/safepath and the mechanisms. It knows nothing
// of Apache: what crosses to apacheconf is the path of a generation. Of lego it
// uses the acme/api core; a move to another version of lego changes this
// package and acme/challenge only.
package acme

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/safepath"
)

// Config is all that a Client needs to know.
type Config struct {
	Dir       string   // 0700, made when missing: accounts, certificates, links
	CAs       []CA     // the first is used; the others when it keeps failing
	Contact   []string // e-mail addresses; none is fine
	AgreeTOS  bool     // the user accepts the CA's terms of service
	UserAgent string   // "" is "tlskeeper"
	Transport http.RoundTripper
	Log       *slog.Logger
	// FailoverAfter is how many failures of a certificate in a row make it try
	// the next CA; 0 is 5.
	FailoverAfter int
}

// Client asks CAs for certificates and stores them. One process at a time may
// use one Dir: the caller holds the lock.
type Client struct {
	cfg       Config
	store     *store.Store
	endpoints []*endpoint
	// step is called at each point where a kill must do no harm. Tests set it.
	step func(name string)
}

// endpoint is what all sessions with one CA share.
type endpoint struct {
	ca   CA
	base http.RoundTripper

	pauseFile string // where a pause that the CA asked for outlives us

	mu        sync.Mutex
	notBefore time.Time // the CA asked for silence until then
	limited   time.Time // the last new order was refused until then (429); zero after one that was not
	unsaved   error     // of the last write of pauseFile
	ariPause  time.Time // it wants no question about renewals until then

	asking  sync.Mutex // one question for the directory at a time
	renewal *string    // its renewalInfo URL, once known
}

// New checks cfg. It does not use the network.
func New(cfg Config) (*Client, error) {
	if cfg.UserAgent == "" {
		cfg.UserAgent = "tlskeeper"
	}
	if cfg.FailoverAfter <= 0 {
		cfg.FailoverAfter = failoverAfter
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{cfg: cfg, store: store.Open(cfg.Dir), step: func(string) {}}
	for _, ca := range cfg.CAs {
		e, err := newEndpoint(ca, cfg.Transport)
		if err != nil {
			return nil, fmt.Errorf("CA %s: %w", ca.Name, err)
		}
		e.pauseFile = filepath.Join(c.accountOf(ca).dir, "pause.json")
		e.notBefore = readPause(e.pauseFile)
		c.endpoints = append(c.endpoints, e)
	}
	if len(c.endpoints) == 0 {
		return nil, hint.Wrap(fmt.Errorf("no CA is configured"), `set ca = "letsencrypt" under [acme]`)
	}
	return c, nil
}

func newEndpoint(ca CA, base http.RoundTripper) (*endpoint, error) {
	u, err := url.Parse(ca.Directory)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("its directory %q is not a URL", ca.Directory)
	}
	if u.Scheme != "https" { // RFC 8555, section 6.1
		return nil, fmt.Errorf("its directory %q is not https: ACME over plain HTTP can be altered on the way", ca.Directory)
	}
	if base == nil {
		if base, err = httpsTransport(ca.CAFile); err != nil {
			return nil, err
		}
	}
	return &endpoint{ca: ca, base: base}, nil
}

// httpsTransport trusts the system's roots, or those of caFile alone.
func httpsTransport(caFile string) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.MaxResponseHeaderBytes = maxHeader
	if caFile == "" {
		return t, nil
	}
	data, err := safepath.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading its roots: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading its roots: %s holds no certificate", caFile)
	}
	return t, nil
}

// Store returns where the client keeps its certificates.
func (c *Client) Store() *store.Store { return c.store }

// Knows tells whether a CA with that directory is configured.
func (c *Client) Knows(directory string) bool { return c.endpointOf(directory) != nil }

// endpointOf finds the CA with that directory among the configured ones.
func (c *Client) endpointOf(directory string) *endpoint {
	for _, e := range c.endpoints {
		if e.ca.Directory == directory {
			return e
		}
	}
	return nil
}
