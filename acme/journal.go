package acme

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/safepath"
)

// journal is an order in hand. What is in it is on disk before the CA is asked
// for what cannot be asked twice: the key and the CSR before the order, the
// order's URL before finalize, the proofs before they are presented.
type journal struct {
	dir string

	Names     []string          `json:"names"`
	KeyType   string            `json:"key_type,omitempty"` // "" for a CSR of the user's
	Directory string            `json:"directory"`
	Profile   string            `json:"profile,omitempty"`
	Replaces  string            `json:"replaces,omitempty"`
	CSR       []byte            `json:"csr"`
	Began     time.Time         `json:"began"`
	OrderURL  string            `json:"order,omitempty"`
	Expires   string            `json:"expires,omitempty"` // of the order, as the CA wrote it
	Proofs    []challenge.Proof `json:"proofs,omitempty"`  // visible, or about to be
}

// openJournal returns the order in hand, nil where there is none. One that
// cannot be read is not one: its order at the CA expires by itself.
func openJournal(s *store.Store, name string) (*journal, error) {
	dir := s.OrderDir(name)
	data, err := safepath.ReadFile(filepath.Join(dir, "journal.json"))
	store.Sweep(filepath.Dir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.RemoveAll(dir) // a kill before the first record
	}
	if err != nil {
		return nil, fmt.Errorf("reading the order's journal: %w", err)
	}
	j := &journal{dir: dir}
	if json.Unmarshal(data, j) != nil || len(j.CSR) == 0 {
		return nil, os.RemoveAll(dir)
	}
	return j, nil
}

// beginOrder makes a journal with its key durable. key is nil for a user's CSR
// whose key we do not have.
func beginOrder(s *store.Store, name string, j *journal, key []byte) error {
	j.dir = s.OrderDir(name)
	if err := durable.MkdirAll(j.dir, 0o700); err != nil {
		return fmt.Errorf("beginning an order: %w", err)
	}
	if key != nil {
		if err := durable.WriteFile(filepath.Join(j.dir, keyFile), key, 0o600); err != nil {
			return fmt.Errorf("beginning an order: %w", err)
		}
	}
	return j.save()
}

func (j *journal) save() error {
	data, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(j.dir, "journal.json"), data, 0o600)
}

// key returns the order's private key in PEM, nil where the user holds it.
func (j *journal) key() ([]byte, error) {
	data, err := safepath.ReadFile(filepath.Join(j.dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// end forgets the order. It goes away whole: a record whose key is gone would
// be taken for an order on a user's own CSR.
func (j *journal) end() error {
	gone := filepath.Join(filepath.Dir(j.dir), durable.TempPrefix+"order")
	if err := os.RemoveAll(gone); err != nil {
		return err
	}
	if err := durable.Rename(j.dir, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// orderLife is how long an order is worth asking for that cannot be read, or
// that brings no certificate. Let's Encrypt's expire after seven days.
const orderLife = 7 * 24 * time.Hour

// credible tells whether the order can still be there: it has not expired, and
// began not long ago.
func (j *journal) credible(now time.Time) bool {
	expires, err := time.Parse(time.RFC3339, j.Expires)
	if err == nil && now.After(expires) {
		return false
	}
	return now.Sub(j.Began).Abs() < orderLife
}

// isOrderURL refuses an address at which no order can ever be asked for.
func isOrderURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Hostname() != ""
}

// fits tells whether the journal is for what is asked for now: an order begun
// for other names, another CA or another key is of no use.
func (j *journal) fits(w checkedRequest, directory string) bool {
	if j.Directory != directory || !slices.Equal(j.Names, w.names) || j.Profile != w.Profile {
		return false
	}
	if j.OrderURL != "" && !isOrderURL(j.OrderURL) {
		return false
	}
	if w.csr != nil || j.KeyType == "" {
		return bytes.Equal(j.CSR, w.csr)
	}
	return j.KeyType == string(w.KeyType)
}
