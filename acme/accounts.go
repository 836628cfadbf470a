package acme

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tlskeeper/internal/durable"
	"tlskeeper/internal/leaf"
)

// Account is one of ours at a CA, as it stands on disk.
type Account struct {
	CA        string    `json:"ca"`
	Directory string    `json:"directory"`
	URL       string    `json:"url,omitempty"` // "" while there is none
	Contact   []string  `json:"contact,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	KeyFile   string    `json:"key_file,omitempty"`
}

// Accounts lists our accounts with the configured CAs. It uses no network and
// makes none.
func (c *Client) Accounts() ([]Account, error) {
	var list []Account
	for _, e := range c.endpoints {
		dir := c.accountDir(e.ca)
		a := Account{CA: e.ca.Name, Directory: e.ca.Directory}
		known, err := readAccount(dir, e.ca)
		if err != nil {
			return nil, err
		}
		a.URL, a.Contact, a.Created = known.URL, known.Contact, known.Created
		if _, err := os.Stat(filepath.Join(dir, keyFile)); err == nil {
			a.KeyFile = filepath.Join(dir, keyFile)
		}
		list = append(list, a)
	}
	return list, nil
}

// Deactivate ends the account with the CA of that directory for ever (RFC
// 8555, section 7.3.6), and puts its key aside: the next issuance makes
// another account with another key. Certificates stay valid.
func (c *Client) Deactivate(ctx context.Context, directory string) error {
	to := c.endpointOf(directory)
	if to == nil {
		return fmt.Errorf("deactivating the account: no CA with the directory %s is configured", directory)
	}
	known, err := readAccount(c.accountDir(to.ca), to.ca)
	if err != nil {
		return err
	}
	if known.URL == "" {
		return fmt.Errorf("deactivating the account: there is none with %s", to.ca.Name)
	}
	s, err := c.meet(ctx, to)
	if err != nil {
		return err
	}
	err = s.call("deactivating the account", func() error { return s.core.Accounts.Deactivate(known.URL) })
	if err != nil && !isGoneAccount(err) {
		return err
	}
	c.cfg.Log.Info("account deactivated", "ca", to.ca.Name, "account", plain(known.URL))
	return c.retire(to.ca)
}

// isGoneAccount tells that the CA has no such account, or has ended it before
// and we did not hear it (RFC 8555 section 7.3.6 wants 401 unauthorized then).
func isGoneAccount(err error) bool {
	return isProblem(err, "accountDoesNotExist") || isProblem(err, "unauthorized")
}

// retire puts key and record of an account out of use. The key is kept: it is
// still the proof that the account was ours.
func (c *Client) retire(ca CA) error {
	dir := c.accountDir(ca)
	err := durable.Rename(filepath.Join(dir, keyFile), filepath.Join(dir, "deactivated-"+time.Now().UTC().Format("20060102T150405")+".pem"))
	if err != nil {
		return fmt.Errorf("putting the account's key aside: %w", err)
	}
	return c.forgetAccount(ca)
}

// ImportAccount takes over an account that another client made. The CA is not
// asked. One of ours is left alone: fs.ErrExist.
func (c *Client) ImportAccount(ca CA, key crypto.Signer, url string, created time.Time) error {
	dir := c.accountDir(ca)
	if _, err := os.Stat(filepath.Join(dir, keyFile)); err == nil {
		return fmt.Errorf("importing an account with %s: %w", ca.Name, fs.ErrExist)
	}
	data, err := leaf.EncodeKey(key)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("importing an account with %s: %w", ca.Name, err)
	}
	// The record first: a key without one would be registered, which finds the
	// same account; a record without a key is nothing yet.
	s := session{client: c, to: &endpoint{ca: ca}, account: account{URL: url, Directory: ca.Directory, Created: created.UTC()}}
	if err := s.saveAccount(); err != nil {
		return fmt.Errorf("importing an account with %s: %w", ca.Name, err)
	}
	return durable.WriteFile(filepath.Join(dir, keyFile), data, 0o600)
}

// Import makes a certificate of another client a generation of ours, after the
// checks that one of our own has to pass. One that is there already is left
// alone: fs.ErrExist.
func (s *Store) Import(name string, keyPEM, chainPEM []byte, meta Meta) (Generation, error) {
	if err := checkCertName(name); err != nil {
		return Generation{}, err
	}
	chain, err := leaf.ParseChain(chainPEM)
	if err != nil {
		return Generation{}, fmt.Errorf("importing %s: %w", name, err)
	}
	key, err := leaf.ParseKey(keyPEM)
	if err != nil {
		return Generation{}, fmt.Errorf("importing %s: %w", name, err)
	}
	want := leaf.Want{Names: leaf.Names(chain[0]), PublicKey: key.Public(), Now: time.Now()}
	if err := leaf.Check(chain, want); err != nil {
		return Generation{}, fmt.Errorf("importing %s: %w", name, err)
	}
	numbers, err := s.numbers(name)
	if err != nil {
		return Generation{}, err
	}
	for _, n := range numbers {
		if g, err := s.Generation(name, n); err == nil && g.Leaf.Equal(chain[0]) {
			return g, fmt.Errorf("importing %s: %w", name, fs.ErrExist)
		}
	}
	meta.Names, meta.KeyType = want.Names, leaf.KeyType(key.Public())
	g, err := s.add(name, keyPEM, chainPEM, meta)
	if err != nil {
		return g, err
	}
	return g, s.Link(g)
}

// readAccount loads account.json; where there is none its URL is "".
func readAccount(dir string, ca CA) (account, error) {
	known := account{Directory: ca.Directory}
	data, err := os.ReadFile(filepath.Join(dir, "account.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return account{}, fmt.Errorf("reading the account of %s: %w", ca.Name, err)
	}
	if err := json.Unmarshal(data, &known); err != nil {
		return account{}, fmt.Errorf("reading the account of %s: %w", ca.Name, err)
	}
	return known, nil
}
