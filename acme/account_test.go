package acme

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
	"tlskeeper/internal/leaf"
)

// contactsAtTheCA asks the CA itself.
func contactsAtTheCA(t *testing.T, c *Client) []string {
	t.Helper()
	s, err := c.connect(testContext(t), c.endpoints[0])
	if err != nil {
		t.Fatal(err)
	}
	var contacts []string
	err = s.call("reading the account", func() error {
		a, err := s.core.Accounts.Get(s.account.URL)
		contacts = a.Contact
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contacts
}

func TestContactChangesAndGoes(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	for _, contacts := range [][]string{{"a@example.org"}, {"b@example.org", "c@example.org"}, nil, {"d@example.org"}, {}} {
		cfg := h.config()
		cfg.Contact = contacts
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Issue(testContext(t), h.request(), IssueOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		if got := contactsAtTheCA(t, c); !slices.Equal(got, mailto(contacts)) {
			t.Errorf("the CA knows %q, want %q", got, contacts)
		}
		if list, err := h.client(t).Accounts(); err != nil || !slices.Equal(list[0].Contact, mailto(contacts)) {
			t.Errorf("on disk is %q, want %q (%v)", list[0].Contact, contacts, err)
		}
	}
	if got := h.ca.Accounts(); got != 1 {
		t.Errorf("%d accounts", got)
	}
}

func TestDeactivatedAccount(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	c := h.client(t)
	if err := c.Deactivate(testContext(t), h.ca.Directory); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("without one: %v", err)
	}
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	list, err := c.Accounts()
	if err != nil || len(list) != 1 || list[0].URL == "" || list[0].Created.IsZero() {
		t.Fatalf("%+v, %v", list, err)
	}
	before, err := os.ReadFile(list[0].KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "accounts")
	if err := copyAccounts(filepath.Join(h.dir, "accounts"), old); err != nil {
		t.Fatal(err)
	}
	if err := c.Deactivate(testContext(t), h.ca.Directory); err != nil {
		t.Fatal(err)
	}
	if list, err = c.Accounts(); err != nil || list[0].URL != "" || list[0].KeyFile != "" {
		t.Errorf("still there: %+v, %v", list, err)
	}
	if _, err := c.Issue(testContext(t), h.request(), IssueOptions{Urgent: true}); !isEnded(err) || h.ca.Accounts() != 1 {
		t.Errorf("a timer: %v, %d accounts", err, h.ca.Accounts())
	}
	g, err := c.Issue(testContext(t), h.request(), IssueOptions{Force: true, Attended: true})
	if err != nil || h.ca.Accounts() != 2 {
		t.Fatalf("%d accounts, %v", h.ca.Accounts(), err)
	}
	list, _ = c.Accounts()
	if after, err := os.ReadFile(list[0].KeyFile); err != nil || string(after) == string(before) {
		t.Errorf("the key of the deactivated account is in use again (%v)", err)
	}
	// A kill between the CA's answer and the removal: the CA says no, and the
	// account goes all the same.
	if err := errors.Join(os.RemoveAll(filepath.Join(h.dir, "accounts")), os.Rename(old, filepath.Join(h.dir, "accounts"))); err != nil {
		t.Fatal(err)
	}
	if err := h.client(t).Deactivate(testContext(t), h.ca.Directory); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := leaf.Check(g.Chain, leaf.Want{Names: leaf.Names(g.Leaf), PublicKey: g.Leaf.PublicKey, Now: time.Now()}); err != nil {
		t.Error(err)
	}
}

func TestImportedAccountAndCertificate(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	g, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list, _ := h.client(t).Accounts()
	accountKey, _ := os.ReadFile(list[0].KeyFile)
	key, err := leaf.ParseKey(accountKey)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, _ := os.ReadFile(g.KeyFile())
	chainPEM, _ := os.ReadFile(g.ChainFile())

	other := h
	other.dir = filepath.Join(t.TempDir(), "acme")
	c := other.client(t)
	if err := c.ImportAccount(other.config().CAs[0], key, list[0].URL, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := c.ImportAccount(other.config().CAs[0], key, "https://x", time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over one of ours: %v", err)
	}
	meta := store.Meta{CA: "test", Directory: h.ca.Directory, Account: list[0].URL, Issued: g.Leaf.NotBefore}
	got, err := c.store.Import("www", keyPEM, chainPEM, meta)
	if err != nil || got.Number != 1 || strings.Join(got.Meta.Names, " ") != "example.org www.example.org" {
		t.Fatalf("%+v, %v", got, err)
	}
	checkModes(t, got)
	if _, err := c.store.Import("www", keyPEM, chainPEM, meta); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	stranger, _ := newKey(P384)
	strangerPEM, _ := leaf.EncodeKey(stranger)
	for name, err := range map[string]error{
		"another's key": second(c.store.Import("bad", strangerPEM, chainPEM, meta)),
		"no chain":      second(c.store.Import("bad", keyPEM, nil, meta)),
		"a bad name":    second(c.store.Import("../bad", keyPEM, chainPEM, meta)),
	} {
		if err == nil {
			t.Errorf("%s was imported", name)
		}
	}
	// Renewed under the imported account, as a replacement.
	if _, err := c.Issue(testContext(t), other.request(), IssueOptions{Force: true, Replaces: schedule.CertID(got.Leaf)}); err != nil {
		t.Fatal(err)
	}
	if h.ca.Accounts() != 1 {
		t.Errorf("%d accounts", h.ca.Accounts())
	}
}

func second(_ store.Generation, err error) error { return err }

func TestAccountRecordDamaged(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(h.client(t).accountOf(h.config().CAs[0]).dir, "account.json")
	var known account
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil || !strings.HasPrefix(known.URL, "https://") {
		t.Fatalf("%+v, %v", known, err)
	}
	if err := os.WriteFile(file, data[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.client(t).Accounts(); err == nil {
		t.Error("a damaged record counts as none")
	}
}
