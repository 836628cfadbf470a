package acme

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/safepath"
)

// rehearsalPrefix begins the names of the directories of rehearsals, below the
// store's: who is killed there is found again.
const rehearsalPrefix = "rehearsal-"

// Rehearse makes a client whose issuances leave nothing behind: its directory
// is a temporary one, which done removes, and the CA is told to forget the
// proofs of control. The accounts of cfg.Dir serve it, where there are any.
func Rehearse(cfg Config) (c *Client, done func(), err error) {
	dir, done, err := stage(cfg.Dir)
	if err == nil {
		if err = copyAccounts(filepath.Join(cfg.Dir, "accounts"), filepath.Join(dir, "accounts")); err == nil {
			cfg.Dir = dir
			if cfg.Log != nil {
				cfg.Log = cfg.Log.With("rehearsal", true) // else it reads as if it were for good
			}
			c, err = New(cfg)
		}
		if err != nil {
			done()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("preparing a rehearsal: %w", err)
	}
	return c, done, nil
}

// stage makes the directory of a rehearsal, which counts as alive while it is
// open; done takes it away, and with it what had to be made above it.
func stage(base string) (dir string, done func(), err error) {
	missing := firstMissing(base)
	if err := durable.MkdirBase(base, 0o700); err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), withdrawTimeout)
	defer cancel()
	unswept := sweepRehearsals(ctx, base)
	for range 10 {
		if dir, err = os.MkdirTemp(base, rehearsalPrefix); err != nil { // 0700
			break
		}
		var alive *os.File
		if alive, err = claim(dir); err == nil {
			return dir, func() {
				os.RemoveAll(dir)
				alive.Close()
				removeEmpty(base, missing)
			}, nil
		}
	}
	removeEmpty(base, missing)
	return "", nil, errors.Join(err, unswept)
}

// claim locks a directory for as long as the returned file is open. It fails
// for one that somebody else holds, or has just swept.
func claim(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
		_, err = os.Lstat(dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sweepRehearsals takes away what killed ones left: copies of account keys, and
// the proofs that they had presented. It tells once what could not be.
func sweepRehearsals(ctx context.Context, base string) error {
	dirs, _ := filepath.Glob(filepath.Join(base, rehearsalPrefix+"*"))
	var failed []error
	for _, dir := range dirs {
		dead, err := claim(dir)
		if err != nil {
			continue // alive, or gone
		}
		failed = append(failed, withdrawAll(ctx, store.Open(dir)), os.RemoveAll(dir), dead.Close())
	}
	return errors.Join(failed...)
}

// withdrawAll takes away the proofs of every order in hand.
func withdrawAll(ctx context.Context, s *store.Store) error {
	names, _ := s.Names()
	var failed []error
	for _, name := range names {
		j, err := openJournal(s, name)
		if err == nil && j != nil {
			ways, fault := j.ways()
			err = errors.Join(fault, j.withdraw(ctx, ways))
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("cleaning after a killed rehearsal: %w", err))
		}
	}
	return errors.Join(failed...)
}

// firstMissing is the topmost directory that has to be made for dir, "" where
// dir is there.
func firstMissing(dir string) string {
	missing := ""
	for {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			return missing
		}
		missing, dir = dir, filepath.Dir(dir)
	}
}

// removeEmpty removes dir and its parents up to last, where they are empty.
func removeEmpty(dir, last string) {
	for last != "" && os.Remove(dir) == nil && dir != last {
		dir = filepath.Dir(dir)
	}
}

func copyAccounts(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*", "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		data, err := safepath.ReadFile(file)
		if err != nil {
			return err
		}
		dir := filepath.Join(to, filepath.Base(filepath.Dir(file)))
		if err := durable.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Try issues with a client of Rehearse: everything is real but the CA's
// signature is worth nothing to anybody.
func (c *Client) Try(ctx context.Context, r Request) (store.Generation, error) {
	return c.Issue(ctx, r, IssueOptions{Force: true, Attended: true, rehearsal: true})
}

// disown tells the CA to forget what was proven for a rehearsal: else the next
// real order could rest on it, and the next rehearsal would prove nothing.
func (s *session) disown(names int) {
	if s.orderURL == "" || s.ctx.Err() != nil {
		return
	}
	order, err := s.orderAt(s.orderURL)
	if len(order.Authorizations) > names {
		return // nothing was proven for it
	}
	for _, authz := range order.Authorizations {
		failure := s.call("deactivating an authorization", func() error {
			return s.core.Authorizations.Deactivate(authz)
		})
		err = errors.Join(err, failure)
		if _, refused := errors.AsType[*Problem](failure); failure != nil && !refused {
			break // no answer: the others would get none either
		}
	}
	if err != nil {
		s.client.cfg.Log.Debug("not every authorization could be deactivated", "err", err)
	}
}
