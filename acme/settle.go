package acme

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
)

// Settle ends, for every certificate, what a kill cut off and needs no CA: an
// order whose certificate is stored is forgotten with its copy of the key, live
// points where it should, temporary files and challenge files go. Each run
// begins with it: a fresh certificate is kept, and Issue is not called. What a
// killed rehearsal left goes too. The caller holds the lock.
func Settle(ctx context.Context, s *store.Store) error {
	s.SweepAll()
	accounts, _ := filepath.Glob(filepath.Join(s.Dir(), "accounts", "*"))
	for _, dir := range accounts {
		store.Sweep(dir)
	}
	names, err := s.Names()
	if err != nil {
		return fmt.Errorf("ending what was cut off: %w", err)
	}
	failed := []error{sweepRehearsals(ctx, s.Dir())}
	for _, name := range names {
		failed = append(failed, settle(ctx, s, name))
	}
	return errors.Join(failed...)
}

// settle is Settle for one certificate.
func settle(ctx context.Context, s *store.Store, name string) error {
	var j *journal
	err := s.Relink(name)
	if err == nil {
		j, err = openJournal(s, name)
	}
	if err == nil && j != nil {
		err = settleOrder(ctx, s, name, j)
	}
	if err != nil {
		return fmt.Errorf("certificate %s: ending what was cut off: %w", name, err)
	}
	return nil
}

func settleOrder(ctx context.Context, s *store.Store, name string, j *journal) error {
	store.Sweep(j.dir)
	if err := j.withdrawFiles(ctx); err != nil || !has(s, name, j) {
		return err
	}
	return errors.Join(s.Change(name, func(st *store.State) { st.Succeeded(j.Directory) }), j.end())
}

// has tells whether the order's certificate is stored.
func has(s *store.Store, name string, j *journal) bool {
	numbers, _ := s.Numbers(name)
	return j.OrderURL != "" && slices.ContainsFunc(numbers, func(n int) bool {
		g, err := s.Generation(name, n)
		return err == nil && g.Meta.Order == j.OrderURL
	})
}

// Forget takes away what a try left of a certificate that was never issued: its
// failures. What is still of use stays: an order in hand, which a next try goes
// on with, and a pause that a CA asked for.
func Forget(s *store.Store, name string) error {
	cert, err := s.Certificate(name)
	if err != nil || cert.Latest.Number > 0 || len(cert.State.Pauses) > 0 {
		return err
	}
	if order, err := openJournal(s, name); err != nil || order != nil {
		return err
	}
	return s.Delete(name)
}

// withdrawFiles takes the proofs away that are files; the others stay in the
// journal for the run that goes on with the order.
func (j *journal) withdrawFiles(ctx context.Context) error {
	var left []challenge.Proof
	var failed []error
	for _, p := range j.Proofs {
		err := errors.ErrUnsupported
		if p.Way.Type == challenge.HTTP01 && p.Way.Webroot != "" {
			err = withdrawOne(ctx, p)
			failed = append(failed, err)
		}
		if err != nil {
			left = append(left, p)
		}
	}
	if len(left) < len(j.Proofs) {
		j.Proofs = left
		failed = append(failed, j.save())
	}
	return errors.Join(failed...)
}

func withdrawOne(ctx context.Context, p challenge.Proof) error {
	way, err := challenge.New(p.Way)
	if err != nil {
		return err
	}
	return errors.Join(way.Withdraw(ctx, p), way.Close())
}
