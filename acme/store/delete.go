package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tlskeeper/internal/durable"
)

// Delete takes away a certificate: its generations with their keys, what is
// known of it, and its link below live. It goes at once, so that a kill leaves
// no half of it. The guard remembers what was issued. One that is not there is fs.ErrNotExist.
func (s *Store) Delete(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	certs := filepath.Join(s.dir, "certs")
	Sweep(certs)
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
