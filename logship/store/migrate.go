package store

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/mattn/go-sqlite3"
)

//go:embed schema.sql
var schema string

// migrations lead from an empty database to today's schema: the n-th makes
// version n+1 (SQLite's user_version) of version n. One that was released is
// never changed; a new one comes behind it, with a database that the version
// before wrote in testdata.
var migrations = []string{schema}

// migrator knows the versions of a schema.
type migrator struct {
	steps []string
	seen  []func() []object // of version 1, 2, ...: what a database of it holds
}

func newMigrator(steps []string) *migrator {
	m := &migrator{steps: steps}
	for n := range steps {
		m.seen = append(m.seen, sync.OnceValue(func() []object { return objectsAfter(steps[:n+1]) }))
	}
	return m
}

// current is the schema of this program.
var current = newMigrator(migrations)

// version is the one that this program writes.
func (m *migrator) version() int64 { return int64(len(m.steps)) }

// objects are what a database of a version, from 1 to m.version(), holds.
func (m *migrator) objects(version int64) []object { return m.seen[version-1]() }

// objectsAfter are what the steps make of an empty database.
func objectsAfter(steps []string) []object {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(inMemory)
	if err != nil {
		panic("store: " + err.Error())
	}
	db := conn.(*sqlite3.SQLiteConn)
	defer db.Close()
	for _, step := range steps {
		if _, err := db.Exec(step, nil); err != nil {
			panic("store: the schema: " + err.Error())
		}
	}
	objects, err := objectsOf(context.Background(), db)
	if err != nil {
		panic("store: the schema: " + err.Error())
	}
	return objects
}

// migrate brings the database of s to today's version, all steps in one
// transaction, unless another process was faster.
func (s *Store) migrate(ctx context.Context, m *migrator) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(ctx); err != nil {
		return err
	}
	version, err := judge(ctx, s.db, s.path, m)
	if err == nil && version < m.version() {
		err = s.climb(ctx, m, version)
	}
	if err == nil {
		_, err = s.db.ExecContext(ctx, "COMMIT", nil)
	}
	if err != nil && !s.db.AutoCommit() {
		s.db.Exec("ROLLBACK", nil)
	}
	return err
}

func (s *Store) climb(ctx context.Context, m *migrator, from int64) error {
	steps := slices.Concat(m.steps[from:], []string{fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, m.version())})
	for _, step := range steps {
		if _, err := s.db.ExecContext(ctx, step, nil); err != nil {
			return fmt.Errorf("bringing %s to schema %d: %w", s.path, m.version(), err)
		}
	}
	return nil
}
