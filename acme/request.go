package acme

import (
	"cmp"
	"crypto"
	"fmt"
	"strings"

	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
)

// Request is one certificate that is wanted.
type Request struct {
	Name     string   // of the certificate, in files and commands
	Names    []string // DNS names and IP addresses; empty with CSRFile
	KeyType  KeyType  // "" is DefaultKeyType
	ReuseKey bool     // keep the former generation's key

	CSRFile string // the user's own CSR, instead of Names and KeyType
	KeyFile string // its key, where that is on this host

	Challenge challenge.Way            // for every name that
	PerName   map[string]challenge.Way // does not have its own here

	Profile        string // of the CA (classic, tlsserver, shortlived); "" is its default
	NeedsProfile   bool   // a CA that does not offer Profile is not asked; else its default will do
	PreferredChain string // common name of an issuer in the wanted chain; "" is the CA's default
	Keep           int    // generations to keep; the caller prunes
}

// IssueOptions say how urgent it is.
type IssueOptions struct {
	Replaces string // CertID of what this replaces, for the CA's limits (RFC 9773, section 5)
	Force    bool   // although the guard, or our own back-off, says no
	Urgent   bool   // the former certificate is revoked or about to be: the guard does not apply
	Attended bool   // somebody waits for the answer: our own back-off does not apply

	rehearsal bool // the CA shall forget the proofs afterwards
}

// checkedRequest is a request that was checked.
type checkedRequest struct {
	Request
	names []string // folded
	csr   []byte   // the user's, nil otherwise
}

// Check tells what is wrong with a request, without a network or a change.
func (r Request) Check() error {
	_, err := r.prepare()
	return err
}

func (r Request) prepare() (checkedRequest, error) {
	w := checkedRequest{Request: r}
	if err := store.CheckName(r.Name); err != nil {
		return w, err
	}
	if w.KeyType == "" {
		w.KeyType = DefaultKeyType
	}
	var err error
	if r.CSRFile == "" {
		if w.names, err = dnsname.FoldAll(r.Names); err != nil {
			return w, fmt.Errorf("certificate %s: %w", r.Name, err)
		}
		return w, w.checkWays()
	}
	csr, names, err := readCSR(r.CSRFile)
	if err != nil {
		return w, fmt.Errorf("certificate %s: %w", r.Name, err)
	}
	w.csr, w.names, w.KeyType = csr.Raw, names, KeyType(leaf.KeyType(csr.PublicKey))
	if _, err := w.ownKey(csr.PublicKey); err != nil {
		return w, fmt.Errorf("certificate %s: %w", r.Name, err)
	}
	return w, w.checkWays()
}

// ownKey reads the key of the user's CSR, nil where they did not say where it is.
func (w checkedRequest) ownKey(public crypto.PublicKey) ([]byte, error) {
	if w.KeyFile == "" {
		return nil, nil
	}
	data, err := safepath.ReadFile(w.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the CSR's key: %w", err)
	}
	key, err := leaf.ParseKey(data)
	if err != nil {
		return nil, err
	}
	if p, ok := public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(key.Public()) {
		return nil, fmt.Errorf("the key %s is not the CSR's", w.KeyFile)
	}
	return data, nil
}

// checkWays refuses what no CA can validate (RFC 8555 section 7.1.3 and RFC
// 8738 section 7) before it is ordered.
func (w checkedRequest) checkWays() error {
	for _, name := range w.names {
		way := w.way(name)
		if strings.HasPrefix(name, "*.") && way.Type != challenge.DNS01 {
			return hint.Wrap(&dnsname.Error{Name: name, Why: "a wildcard is proven by dns-01 only"}, `set challenge = "dns-01" and dns_provider for it`)
		}
		if dnsname.IsAddress(name) && way.Type == challenge.DNS01 {
			return &dnsname.Error{Name: name, Why: "an address cannot be proven by dns-01"}
		}
		if _, err := challenge.New(way); err != nil {
			return hint.Wrap(fmt.Errorf("certificate %s, name %s: %w", w.Name, name, err), cmp.Or(hint.Of(err), way.Advice()))
		}
		if err := way.CheckWebroot(); err != nil {
			return hint.Wrap(fmt.Errorf("certificate %s, name %s: %w", w.Name, name, err), "webroot is the DocumentRoot that answers on port 80")
		}
	}
	return nil
}

// way is how control of a name is proven.
func (w checkedRequest) way(name string) challenge.Way {
	for written, way := range w.PerName {
		if folded, err := dnsname.Fold(written); err == nil && folded == name {
			return way
		}
	}
	return w.Challenge
}
