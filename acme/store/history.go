package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tlskeeper/internal/durable"
)

// historyFile is what the guard has to know of deleted certificates.
func (s *Store) historyFile() string { return filepath.Join(s.dir, "deleted.json") }

// deleted lists what was issued recently and deleted. A file that is damaged
// counts as empty: the CA has its own limits.
func (s *Store) deleted() []Issuance {
	data, err := os.ReadFile(s.historyFile())
	if err != nil {
		return nil
	}
	var list []Issuance
	if json.Unmarshal(data, &list) != nil {
		return nil
	}
	return slices.DeleteFunc(list, func(i Issuance) bool { return !i.recent() })
}

// keepHistory remembers for the guard what was issued under a name that is
// about to be deleted. What is revoked does not count there either.
func (s *Store) keepHistory(name string) error {
	cert, err := s.Certificate(name)
	if err != nil || cert.Revoked() {
		return nil // what cannot be read is no reason to keep it
	}
	list := s.deleted()
	before := len(list)
	for _, i := range s.recent(cert) {
		if !slices.ContainsFunc(list, i.same) {
			list = append(list, i)
		}
	}
	if len(list) == before {
		return nil
	}
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(s.historyFile(), data, 0o600); err != nil {
		return fmt.Errorf("keeping the history for the guard: %w", err)
	}
	return nil
}

// History lists what the CAs issued recently, whatever it was called, once
// each. What was issued under a name whose served one is revoked is left out.
func (s *Store) History() ([]Issuance, error) {
	all := s.deleted()
	list, err := s.List()
	for _, cert := range list {
		if cert.Revoked() {
			continue
		}
		for _, i := range s.recent(cert) {
			if !slices.ContainsFunc(all, i.same) {
				all = append(all, i)
			}
		}
	}
	return all, err
}

// same tells whether two traces are of one issuance, whose moment is known to
// the nanosecond.
func (i Issuance) same(o Issuance) bool {
	return i.At.Equal(o.At) && i.Directory == o.Directory && SameNames(i.Names, o.Names)
}
