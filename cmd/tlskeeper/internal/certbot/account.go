package certbot

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tlskeeper/internal/safepath"
)

// Account is certbot's with one CA: accounts/HOST/PATH/ID/.
type Account struct {
	ID      string
	Server  string // directory URL
	URL     string // of the account
	Contact []string
	Created time.Time
	Key     crypto.Signer
}

// readAccount loads an account; its id is a file name of certbot's making.
func readAccount(dir, server, id string) (*Account, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("its server %q is no URL", server)
	}
	if id == "" || id != filepath.Base(id) || id == "." || id == ".." {
		return nil, fmt.Errorf("its account %q is not a file name", id)
	}
	place := filepath.Join(dir, "accounts", u.Host, filepath.FromSlash(strings.TrimPrefix(u.Path, "/")), id)
	if rel, err := filepath.Rel(filepath.Join(dir, "accounts"), place); err != nil || strings.HasPrefix(rel, "..") {
		return nil, fmt.Errorf("its server %q leads out of certbot's directory", server)
	}
	a := &Account{ID: id, Server: server}
	data, err := safepath.ReadFile(filepath.Join(place, "private_key.json"))
	if err == nil {
		a.Key, err = parseJWK(data)
	}
	if err != nil {
		return nil, fmt.Errorf("reading certbot's account key: %w", err)
	}
	if err := a.readRecords(place); err != nil {
		return nil, fmt.Errorf("reading certbot's account: %w", err)
	}
	return a, nil
}

// readRecords loads what the CA answered at the registration.
func (a *Account) readRecords(place string) error {
	var registration struct {
		URI  string `json:"uri"`
		Body struct {
			Contact []string `json:"contact"`
		} `json:"body"`
	}
	data, err := safepath.ReadFile(filepath.Join(place, "regr.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &registration); err != nil {
		return err
	}
	if !strings.HasPrefix(registration.URI, "https://") {
		return errors.New("regr.json does not say where the account is")
	}
	a.URL = registration.URI
	for _, c := range registration.Body.Contact {
		a.Contact = append(a.Contact, strings.TrimPrefix(c, "mailto:"))
	}
	var meta struct {
		Created time.Time `json:"creation_dt"`
	}
	if data, err := os.ReadFile(filepath.Join(place, "meta.json")); err == nil {
		_ = json.Unmarshal(data, &meta) // only a date, for people
	}
	a.Created = meta.Created
	return nil
}

// jwk is a private key as RFC 7518, section 6 writes it; certbot makes RSA
// keys, and can import EC ones.
type jwk struct {
	Kty, Crv      string
	N, E, D, P, Q bytes64
	X, Y          bytes64
}

// bytes64 is base64url without padding.
type bytes64 []byte

func (b *bytes64) UnmarshalText(text []byte) error {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(string(text), "="))
	*b = data
	return err
}

func (b bytes64) integer() *big.Int { return new(big.Int).SetBytes(b) }

func parseJWK(data []byte) (crypto.Signer, error) {
	var k jwk
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, errors.New("it is no JSON Web Key")
	}
	switch k.Kty {
	case "RSA":
		return k.rsa()
	case "EC":
		return k.ec()
	}
	return nil, fmt.Errorf("a key of the kind %q", k.Kty)
}

func (k jwk) rsa() (crypto.Signer, error) {
	if len(k.E) == 0 || len(k.E) > 4 {
		return nil, errors.New("its exponent is odd")
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: k.N.integer(), E: int(k.E.integer().Int64())},
		D:         k.D.integer(), Primes: []*big.Int{k.P.integer(), k.Q.integer()},
	}
	if err := key.Validate(); err != nil {
		return nil, errors.New("its numbers do not fit together")
	}
	key.Precompute()
	return key, nil
}

func (k jwk) ec() (crypto.Signer, error) {
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	curve, ok := curves[k.Crv]
	if !ok {
		return nil, fmt.Errorf("a key on the curve %q", k.Crv)
	}
	size := (curve.Params().BitSize + 7) / 8
	key, err := ecdsa.ParseRawPrivateKey(curve, append(make([]byte, max(0, size-len(k.D))), k.D...))
	if err != nil {
		return nil, errors.New("its numbers do not fit together")
	}
	return key, nil
}
