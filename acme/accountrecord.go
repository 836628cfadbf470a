package acme

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
)

// account is account.json. The key lies beside it.
type account struct {
	URL       string    `json:"url"` // "" while the CA does not know it
	Directory string    `json:"directory"`
	Contact   []string  `json:"contact,omitempty"`
	Created   time.Time `json:"created"`
	// Deactivated is when the user ended it: with a URL this is begun, without
	// one it is done.
	Deactivated time.Time `json:"deactivated,omitzero"`
}

// plainHost is fit for the name of a directory.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$`)

// keyFile is the key of an account, and of an order in hand: 0600.
const keyFile = "key.pem"

// accountRecord is our account with one CA as it stands on disk: account.json
// with its key beside it. It asks no CA.
type accountRecord struct {
	dir string
	ca  CA
}

// accountOf is one directory per CA: the host for people, the hash because one
// host can have several directories.
func (c *Client) accountOf(ca CA) accountRecord {
	sum := sha256.Sum256([]byte(ca.Directory))
	host := "ca"
	if u, err := url.Parse(ca.Directory); err == nil && plainHost.MatchString(u.Hostname()) {
		host = u.Hostname()
	}
	return accountRecord{filepath.Join(c.cfg.Dir, "accounts", host+"_"+hex.EncodeToString(sum[:4])), ca}
}

func (s *session) record() accountRecord { return s.client.accountOf(s.to.ca) }

func (r accountRecord) path() string    { return filepath.Join(r.dir, "account.json") }
func (r accountRecord) keyPath() string { return filepath.Join(r.dir, keyFile) }

// load reads the account; where there is none its URL is "".
func (r accountRecord) load() (account, error) {
	known := account{Directory: r.ca.Directory}
	data, err := safepath.ReadFile(r.path())
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil {
		return account{}, fmt.Errorf("reading the account of %s: %w", r.ca.Name, err)
	}
	return known, nil
}

func (r accountRecord) save(a account) error {
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	return durable.WriteFile(r.path(), data, 0o600)
}

// hasKey tells whether there is a key; one that nobody may look at is there.
func (r accountRecord) hasKey() bool {
	_, err := os.Stat(r.keyPath())
	return !errors.Is(err, fs.ErrNotExist)
}

// loadKey returns the key; one is made, and is on disk, before a CA can hear of
// it: so a kill cannot leave an account without a key.
func (r accountRecord) loadKey() (crypto.Signer, error) {
	store.Sweep(r.dir)
	data, err := safepath.ReadFile(r.keyPath())
	if err == nil {
		return leaf.ParseKey(data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the account key: %w", err)
	}
	key, err := newKey(P256) // RFC 8555, section 6.2: every CA takes ES256
	if err != nil {
		return nil, err
	}
	return key, r.saveKey(key)
}

func (r accountRecord) saveKey(key crypto.Signer) error {
	data, err := leaf.EncodeKey(key)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("making the account: %w", err)
	}
	return durable.WriteFile(r.keyPath(), data, 0o600)
}

// forget lets the next session register again, with the same key. For a CA that
// has lost the account.
func (r accountRecord) forget() error { return durable.Remove(r.path()) }

// retire puts the key of an ended account out of use, and keeps it: it is still
// the proof that the account was ours. What stays of the record is the date.
func (r accountRecord) retire(ended account) error {
	aside := "deactivated-" + time.Now().UTC().Format("20060102T150405") + ".pem"
	err := durable.Rename(r.keyPath(), filepath.Join(r.dir, aside))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("putting the account's key aside: %w", err)
	}
	return r.save(account{Directory: r.ca.Directory, Deactivated: ended.Deactivated})
}
