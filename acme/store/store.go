// Package store is the certificates on disk: generations that never change,
// what changes beside them, the links for other programs, and what the guard
// has to remember. It asks no CA, and knows nothing of orders but where the one
// in hand is.
//
// It may import acme/schedule, internal/leaf and the mechanisms.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tlskeeper/acme/schedule"
	"tlskeeper/internal/certname"
	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/term"
)

// Store is the certificates on disk:
//
//	certs/NAME/gen/000001/   one generation: key.pem, fullchain.pem, meta.json
//	certs/NAME/state.json    what changes: deployed, failures, ARI
//	certs/NAME/order/        the order in hand, where there is one
//	live/NAME                link to the newest generation, for other programs
//	deleted.json             what was issued and deleted, for the guard
//	rehearsal-*/             a store like this one, while a dry run lasts
type Store struct{ dir string }

// Open names the store in dir. It touches nothing.
func Open(dir string) *Store { return &Store{dir} }

// Dir is where it is.
func (s *Store) Dir() string { return s.dir }

// Certificate is one certificate of the store.
type Certificate struct {
	Name   string
	Latest Generation // its Number is 0 where nothing was issued yet
	// Served is the one that is to be served: Latest, unless the user went back
	// from it. Its Number is 0 where that one cannot be read.
	Served Generation
	State  State
}

// State is what changes about a certificate.
type State struct {
	Deployed    int       `json:"deployed,omitempty"` // the generation last seen being served
	DeployedAt  time.Time `json:"deployed_at,omitzero"`
	LostAt      time.Time `json:"lost_at,omitzero"`  // since when that one is not served any more
	Held        int       `json:"held,omitempty"`    // the generation that the user rolled back from
	HeldAt      time.Time `json:"held_at,omitzero"`  // when
	Revoked     []int     `json:"revoked,omitempty"` // generations that we revoked
	Failures    int       `json:"failures,omitempty"`
	LastError   string    `json:"last_error,omitempty"` // of an issuance
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
	// DeployError is why the generation that is to be served is not.
	DeployError   string    `json:"deploy_error,omitempty"`
	DeployErrorAt time.Time `json:"deploy_error_at,omitzero"`
	NotBefore     time.Time `json:"not_before,omitzero"` // end of our own back-off
	// Pauses are the ends of those that CAs asked for, by directory.
	Pauses map[string]time.Time `json:"pauses,omitempty"`
	ARI    *schedule.ARI        `json:"ari,omitempty"`
	Pruned []Issuance           `json:"pruned,omitempty"` // of the last days, for the guard
}

// List loads every certificate. One that cannot be read does not hide the
// others: its error comes beside them.
func (s *Store) List() ([]Certificate, error) {
	names, err := s.Names()
	if err != nil {
		return nil, fmt.Errorf("listing the certificates: %w", err)
	}
	var list []Certificate
	var failed []error
	for _, name := range names {
		c, err := s.Certificate(name)
		list, failed = append(list, c), append(failed, err)
	}
	return list, errors.Join(failed...)
}

// Names lists what certificates have a directory, also where nothing was issued.
func (s *Store) Names() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "certs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && CheckName(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Certificate loads one. Where nothing was issued yet it is no error, and
// Latest.Number is 0.
func (s *Store) Certificate(name string) (Certificate, error) {
	c := Certificate{Name: name}
	state, err := s.State(name)
	if err != nil {
		return c, err
	}
	c.State = state
	c.Latest, err = s.Latest(name)
	if errors.Is(err, fs.ErrNotExist) && c.Latest.Number == 0 {
		if numbers, _ := s.numbers(name); len(numbers) == 0 {
			err = nil
		}
	}
	if c.Served = c.Latest; err == nil && c.WentBack() {
		c.Served, _ = s.Generation(name, state.Deployed)
	}
	return c, err
}

func (s *Store) statePath(name string) string {
	return filepath.Join(s.dir, "certs", name, "state.json")
}

// OrderDir is where the order in hand is, which this package does not know.
func (s *Store) OrderDir(name string) string { return filepath.Join(s.dir, "certs", name, "order") }

// State loads state.json. One that is damaged counts as empty: what is in it
// can be learnt again, and a renewal must not fail for it.
func (s *Store) State(name string) (State, error) {
	if err := CheckName(name); err != nil {
		return State{}, err
	}
	data, err := os.ReadFile(s.statePath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("reading the state of %s: %w", name, err)
	}
	var state State
	if json.Unmarshal(data, &state) != nil {
		return State{}, nil
	}
	state.NotBefore = Credible(state.NotBefore, schedule.MaxBackoff*11/10)
	maps.DeleteFunc(state.Pauses, func(_ string, until time.Time) bool {
		return Credible(until, MaxRetryAfter).Before(time.Now())
	})
	if state.ARI != nil {
		state.ARI.NextPoll = Credible(state.ARI.NextPoll, schedule.MaxPoll)
	}
	return state, nil
}

// Change loads, changes and writes a certificate's state.
func (s *Store) Change(name string, f func(*State)) error {
	state, err := s.State(name)
	if err != nil {
		return err
	}
	f(&state)
	data, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(s.statePath(name)), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(s.statePath(name), data, 0o600)
}

// MarkDeployed notes that a handshake showed this generation being served.
func (s *Store) MarkDeployed(name string, number int, at time.Time) error {
	return s.Change(name, func(st *State) {
		if st.Deployed != number || st.DeployedAt.IsZero() || !st.LostAt.IsZero() {
			st.DeployedAt = at.UTC()
		}
		st.Deployed, st.LostAt = number, time.Time{}
		st.DeployError, st.DeployErrorAt = "", time.Time{}
	})
}

// MarkNotDeployed notes why a generation is not served, or not any more.
func (s *Store) MarkNotDeployed(name string, number int, why string, at time.Time) error {
	return s.Change(name, func(st *State) {
		if st.Deployed == number && st.LostAt.IsZero() {
			st.LostAt = at.UTC()
		}
		st.DeployError, st.DeployErrorAt = term.Bound(why), at.UTC()
	})
}

// WantsDeploy tells whether the newest generation is still to be served, or
// again.
func (c Certificate) WantsDeploy() bool {
	return c.Latest.Number > 0 && !c.Deployed() && c.Latest.Number != c.State.Held
}

// Deployed tells whether the generation that is to be served was when it was
// last looked at.
func (c Certificate) Deployed() bool {
	return c.Served.Number > 0 && c.Served.Number == c.State.Deployed && c.State.LostAt.IsZero()
}

// Link points live/NAME at a generation.
func (s *Store) Link(g Generation) error {
	live := filepath.Join(s.dir, "live")
	if err := durable.MkdirAll(live, 0o700); err != nil {
		return err
	}
	if s.isLinked(g.Name, g.Dir) {
		return nil
	}
	target, err := filepath.Rel(live, g.Dir)
	if err != nil {
		return err
	}
	Sweep(live)
	return durable.Symlink(target, filepath.Join(live, g.Name))
}

// Relink points live where it should, and reads no certificate where it does;
// what a kill left half-made beside the generations goes.
// What cannot be read is for those to report who want to use it.
func (s *Store) Relink(name string) error {
	Sweep(s.genDir(name))
	numbers, err := s.numbers(name)
	if err != nil || len(numbers) == 0 {
		return nil
	}
	state, err := s.State(name)
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

// isLinked tells whether live already points to a generation's directory.
func (s *Store) isLinked(name, dir string) bool {
	live := filepath.Join(s.dir, "live")
	now, err := os.Readlink(filepath.Join(live, name))
	target, err2 := filepath.Rel(live, dir)
	return err == nil && err2 == nil && now == target
}

// Numbers lists the generations of a certificate, oldest first.
func (s *Store) Numbers(name string) ([]int, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	return s.numbers(name)
}

// Prune removes all but the newest keep generations, and never the deployed
// one or one that spared claims.
func (s *Store) Prune(name string, keep int, spared func(dir string) bool) error {
	numbers, err := s.numbers(name)
	if err != nil || len(numbers) <= max(keep, 1) {
		return err
	}
	state, err := s.State(name)
	if err != nil {
		return err
	}
	for _, n := range numbers[:len(numbers)-max(keep, 1)] {
		dir := s.dirOf(name, n)
		if n == state.Deployed || spared != nil && spared(dir) {
			continue
		}
		if err := s.remember(name, n); err != nil {
			return fmt.Errorf("pruning %s: %w", name, err)
		}
		if err := s.discard(dir); err != nil {
			return fmt.Errorf("pruning %s: %w", name, err)
		}
	}
	return nil
}

// SweepAll removes what a kill left half-made among the certificates and links.
func (s *Store) SweepAll() {
	for _, dir := range []string{"certs", "live"} {
		Sweep(filepath.Join(s.dir, dir))
	}
}

// remember keeps for the guard that a generation existed, if it is young.
func (s *Store) remember(name string, number int) error {
	g, err := s.Generation(name, number)
	if err != nil || !g.Issuance().recent() {
		return nil // what cannot be read is no reason to keep it
	}
	return s.Change(name, func(st *State) {
		st.Pruned = slices.DeleteFunc(st.Pruned, func(i Issuance) bool { return !i.recent() || i.At.Equal(g.Meta.Issued) })
		st.Pruned = append(st.Pruned, g.Issuance())
	})
}

// discard takes a generation away under its name first, so that a kill leaves
// no generation without its key.
func (s *Store) discard(dir string) error {
	gone := filepath.Join(filepath.Dir(dir), durable.TempPrefix+filepath.Base(dir))
	if err := durable.Rename(dir, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

func CheckName(name string) error {
	if why := certname.Problem(name); why != "" {
		return &dnsname.Error{Name: name, Why: "as the name of a certificate it " + why}
	}
	return nil
}
