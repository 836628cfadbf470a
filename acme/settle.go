package acme

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Settle ends, for every certificate, what a kill cut off and needs no CA: an
// order whose certificate is stored is forgotten with its copy of the key, live
// points where it should, temporary files and challenge files go. Each run
// begins with it: a fresh certificate is kept, and Issue is not called. What a
// killed rehearsal left goes too. The caller holds the lock.
func (s *Store) Settle(ctx context.Context) error {
	for _, dir := range []string{"certs", "live"} {
		sweep(filepath.Join(s.dir, dir))
	}
	accounts, _ := filepath.Glob(filepath.Join(s.dir, "accounts", "*"))
	for _, dir := range accounts {
		sweep(dir)
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, "certs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ending what was cut off: %w", err)
	}
	failed := []error{sweepRehearsals(ctx, s.dir)}
	for _, e := range entries {
		if e.IsDir() && checkCertName(e.Name()) == nil {
			failed = append(failed, s.settle(ctx, e.Name()))
		}
	}
	return errors.Join(failed...)
}

// settle is Settle for one certificate.
func (s *Store) settle(ctx context.Context, name string) error {
	sweep(s.genDir(name))
	j, err := s.openJournal(name)
	if err == nil {
		err = s.relink(name)
	}
	if err == nil && j != nil {
		err = s.settleOrder(ctx, name, j)
	}
	if err != nil {
		return fmt.Errorf("certificate %s: ending what was cut off: %w", name, err)
	}
	return nil
}

func (s *Store) settleOrder(ctx context.Context, name string, j *journal) error {
	sweep(j.dir)
	if err := j.withdrawFiles(ctx); err != nil || !s.has(name, j) {
		return err
	}
	return errors.Join(s.change(name, func(st *State) { st.succeeded(j.Directory) }), j.end())
}

// has tells whether the order's certificate is stored.
func (s *Store) has(name string, j *journal) bool {
	numbers, _ := s.numbers(name)
	return j.OrderURL != "" && slices.ContainsFunc(numbers, func(n int) bool {
		g, err := s.Generation(name, n)
		return err == nil && g.Meta.Order == j.OrderURL
	})
}

// relink points live where it should, and reads no certificate where it does.
// What cannot be read is for those to report who want to use it.
func (s *Store) relink(name string) error {
	numbers, err := s.numbers(name)
	if err != nil || len(numbers) == 0 {
		return nil
	}
	state, err := s.state(name)
	if err != nil {
		return nil
	}
	number := numbers[len(numbers)-1]
	if state.wentBackFrom(number) {
		number = state.Deployed
	}
	if s.isLinked(name, s.dirOf(name, number)) {
		return nil
	}
	g, err := s.Generation(name, number)
	if err != nil {
		return nil
	}
	return s.Link(g)
}

// withdrawFiles takes the proofs away that are files; the others stay in the
// journal for the run that goes on with the order.
func (j *journal) withdrawFiles(ctx context.Context) error {
	var left []proof
	var failed []error
	for _, p := range j.Proofs {
		err := errors.ErrUnsupported
		if p.Way.Type == HTTP01 && p.Way.Webroot != "" {
			err = newWebroot(p.Way.Webroot).withdraw(ctx, p)
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
