package acme

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
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
		if _, err := os.Stat(filepath.Join(dir, store.KeyFile)); err == nil {
			a.KeyFile = filepath.Join(dir, store.KeyFile)
		}
		list = append(list, a)
	}
	return list, nil
}

// ImportAccount takes over an account that another client made. The CA is not
// asked. One of ours is left alone: fs.ErrExist.
func (c *Client) ImportAccount(ca CA, key crypto.Signer, url string, created time.Time) error {
	dir := c.accountDir(ca)
	if _, err := os.Stat(filepath.Join(dir, store.KeyFile)); err == nil {
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
	return durable.WriteFile(filepath.Join(dir, store.KeyFile), data, 0o600)
}

// readAccount loads account.json; where there is none its URL is "".
func readAccount(dir string, ca CA) (account, error) {
	known := account{Directory: ca.Directory}
	data, err := safepath.ReadFile(filepath.Join(dir, "account.json"))
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
