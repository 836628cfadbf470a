package acme

import (
	"crypto"
	"fmt"
	"io/fs"
	"time"
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
		record := c.accountOf(e.ca)
		a := Account{CA: e.ca.Name, Directory: e.ca.Directory}
		known, err := record.load()
		if err != nil {
			return nil, err
		}
		a.URL, a.Contact, a.Created = known.URL, known.Contact, known.Created
		if record.hasKey() {
			a.KeyFile = record.keyPath()
		}
		list = append(list, a)
	}
	return list, nil
}

// ImportAccount takes over an account that another client made. The CA is not
// asked. One of ours is left alone: fs.ErrExist.
func (c *Client) ImportAccount(ca CA, key crypto.Signer, url string, created time.Time) error {
	record := c.accountOf(ca)
	if record.hasKey() {
		return fmt.Errorf("importing an account with %s: %w", ca.Name, fs.ErrExist)
	}
	// The record first: a key without one would be registered, which finds the
	// same account; a record without a key is nothing yet.
	err := record.save(account{URL: url, Directory: ca.Directory, Created: created.UTC()})
	if err == nil {
		err = record.saveKey(key)
	}
	if err != nil {
		return fmt.Errorf("importing an account with %s: %w", ca.Name, err)
	}
	return nil
}
