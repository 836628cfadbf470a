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
	"path/filepath"
	"regexp"
	"slices"
	"time"

	lego "github.com/go-acme/lego/v4/acme"

	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/safepath"
	"tlskeeper/internal/term"
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

// accountDir is one directory per CA: the host for people, the hash because
// one host can have several directories.
func (c *Client) accountDir(ca CA) string {
	sum := sha256.Sum256([]byte(ca.Directory))
	host := "ca"
	if u, err := url.Parse(ca.Directory); err == nil && plainHost.MatchString(u.Hostname()) {
		host = u.Hostname()
	}
	return filepath.Join(c.cfg.Dir, "accounts", host+"_"+hex.EncodeToString(sum[:4]))
}

// loadAccount returns the account with its key; a key is made, and is on disk,
// before a CA can hear of it: so a kill cannot leave an account without a key.
func (c *Client) loadAccount(ca CA) (account, crypto.Signer, error) {
	dir := c.accountDir(ca)
	key, err := c.accountKey(dir)
	if err != nil {
		return account{}, nil, err
	}
	known, err := readAccount(dir, ca)
	return known, key, err
}

func (c *Client) accountKey(dir string) (crypto.Signer, error) {
	store.Sweep(dir)
	path := filepath.Join(dir, "key.pem")
	data, err := safepath.ReadFile(path)
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
	if data, err = leaf.EncodeKey(key); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the account: %w", err)
	}
	return key, durable.WriteFile(path, data, 0o600)
}

// ensureAccount registers with the CA, or brings the contacts up to date. A
// registration repeated after a kill finds the account of the same key.
func (s *session) ensureAccount(known account) error {
	contact := mailto(s.client.cfg.Contact)
	if known.URL == "" {
		return s.register(contact)
	}
	if slices.Equal(known.Contact, contact) {
		return nil
	}
	update := struct {
		Contact []string `json:"contact"` // an empty list takes the last away (RFC 8555, section 7.3.2); lego leaves it out
	}{append([]string{}, contact...)}
	err := s.call("changing the account's contacts", func() error { return s.post(known.URL, update) })
	if err != nil {
		return s.accountFault(err)
	}
	s.account.Contact = contact
	return s.saveAccount()
}

func (s *session) register(contact []string) error {
	meta := s.core.GetDirectory().Meta
	if !s.client.cfg.AgreeTOS {
		err := &TermsError{CA: s.to.ca.Name, URL: meta.TermsOfService}
		return hint.Wrap(err, "read them, then set agree_tos = true under [acme], or add --agree-tos")
	}
	if meta.ExternalAccountRequired && s.to.ca.EAB == nil {
		err := fmt.Errorf("%s wants an external account binding", s.to.ca.Name)
		return hint.Wrap(err, "get a key id and an HMAC key from the CA, then set eab_kid and eab_hmac_file under [acme]")
	}
	var made lego.ExtendedAccount
	err := s.call("creating an account", func() (err error) {
		request := lego.Account{Contact: contact, TermsOfServiceAgreed: true}
		if eab := s.to.ca.EAB; eab != nil {
			made, err = s.core.Accounts.NewEAB(request, eab.KID, eab.HMAC)
		} else {
			made, err = s.core.Accounts.New(request)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.client.step("registered")
	s.client.cfg.Log.Info("account created", "ca", s.to.ca.Name, "account", term.Brief(made.Location))
	s.account = account{URL: made.Location, Directory: s.to.ca.Directory, Contact: contact, Created: time.Now().UTC()}
	return s.saveAccount()
}

func (s *session) saveAccount() error {
	data, err := json.MarshalIndent(s.account, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(s.client.accountDir(s.to.ca), "account.json"), data, 0o600)
}

// accountFault explains a refusal that is for an account which the CA, or
// somebody who has its key, has ended (RFC 8555, section 7.3.6): the same word,
// unauthorized, is said for other reasons too.
func (s *session) accountFault(refusal error) error {
	if !isProblem(refusal, "unauthorized") {
		return refusal
	}
	err := s.call("asking for the account", func() error {
		_, err := s.core.Accounts.Get(s.account.URL)
		return err
	})
	if !isProblem(err, "unauthorized") {
		return refusal
	}
	name := s.to.ca.Name
	return hint.Wrap(fmt.Errorf("%s has ended the account: %w", name, refusal),
		"`tlskeeper account deactivate "+name+"` puts it aside; after that, `tlskeeper issue` makes another one")
}

// forgetAccount lets the next session register again, with the same key. For
// a CA that has lost the account.
func (c *Client) forgetAccount(ca CA) error {
	return durable.Remove(filepath.Join(c.accountDir(ca), "account.json"))
}

func mailto(addresses []string) []string {
	var urls []string
	for _, a := range addresses {
		if a != "" {
			urls = append(urls, "mailto:"+a)
		}
	}
	return urls
}
