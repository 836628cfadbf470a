package acme

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tlskeeper/internal/durable"
)

// Forget takes away what a try left of a certificate that was never issued: its
// failures. What is still of use stays: an order in hand, which a next try goes
// on with, and a pause that a CA asked for.
func (s *Store) Forget(name string) error {
	cert, err := s.Certificate(name)
	if err != nil || cert.Latest.Number > 0 || len(cert.State.Pauses) > 0 {
		return err
	}
	if order, err := s.openJournal(name); err != nil || order != nil {
		return err
	}
	return s.Delete(name)
}

// Delete takes away a certificate: its generations with their keys, what is
// known of it, and its link below live. It goes at once, so that a kill leaves
// no half of it. The guard remembers what was issued. One that is not there is fs.ErrNotExist.
func (s *Store) Delete(name string) error {
	if err := checkCertName(name); err != nil {
		return err
	}
	certs := filepath.Join(s.dir, "certs")
	sweep(certs)
	if err := s.keepHistory(name); err != nil {
		return fmt.Errorf("deleting certificate %s: %w", name, err)
	}
	gone := filepath.Join(certs, durable.TempPrefix+name)
	if err := durable.Remove(filepath.Join(s.dir, "live", name)); err != nil {
		return fmt.Errorf("deleting certificate %s: %w", name, err)
	}
	if err := durable.Rename(filepath.Join(certs, name), gone); err != nil {
		return fmt.Errorf("deleting certificate %s: %w", name, err)
	}
	return errors.Join(os.RemoveAll(gone), durable.SyncDir(certs))
}
