package store

import (
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestAgentImporterAndPruneShareOneDatabase: three connections as of three
// processes, each with its own cache of dictionary ids, while words are deleted
// and made anew under them.
func TestAgentImporterAndPruneShareOneDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.db")
	work := func(inode uint64) func(s *Store) error {
		return func(s *Store) error {
			text := requests(4000)
			lines, end := content(text)
			f := &File{Path: "log", Dev: 1, Inode: inode, Fingerprint: []byte{byte(inode)}, FingerprintLen: 1}
			for len(lines) > 0 {
				n := min(100, len(lines))
				to := end
				if n < len(lines) {
					to = lines[n].Offset
				}
				if err := s.Append(t.Context(), f, lines[:n], to, inode == 1); err != nil {
					return err
				}
				lines = lines[n:]
			}
			return nil
		}
	}
	prune := func(s *Store) error {
		old := &File{Path: "old", Dev: 1, Inode: 3, Fingerprint: []byte{3}, FingerprintLen: 1}
		at := int64(0)
		for range 20 {
			lines, end := content(day(1, 30))
			for i := range lines {
				lines[i].Offset += at
			}
			at += end
			if err := s.Append(t.Context(), old, lines, at, false); err != nil {
				return err
			}
			if _, err := s.Prune(t.Context(), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)); err != nil {
				return err
			}
		}
		return nil
	}
	var wg sync.WaitGroup
	for _, do := range []func(*Store) error{work(1), work(2), prune} {
		wg.Go(func() {
			s, err := Open(path, Options{})
			if err == nil {
				defer s.Close()
				err = do(s)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := count(t, s, "SELECT count(*) FROM log"); n != 8000 {
		t.Errorf("%d rows in the view, want 8000", n)
	}
	if n := count(t, s, "SELECT count(*) FROM pending"); n != 4000 {
		t.Errorf("%d rows to ship, want 4000", n)
	}
	if n := count(t, s, `SELECT count(*) FROM (SELECT client, user_agent FROM log EXCEPT
		SELECT '192.0.2.' || (value % 250), 'agent \"' || (value % 17) || '\", x' FROM (
			WITH RECURSIVE n(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < 3999) SELECT value FROM n))`); n != 0 {
		t.Errorf("%d pairs of words that no line had", n)
	}
	checkRollups(t, s)
}

// TestWordsThatAnotherProcessDeletedAreMadeAgain: the agent remembers ids, an
// import's prune deletes their words, and its next lines take the ids.
func TestWordsThatAnotherProcessDeletedAreMadeAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.db")
	var writers [2]*Store
	for i := range writers {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		writers[i] = s
	}
	agent, other := writers[0], writers[1]
	f := newFile("followed")
	appendText(t, agent, f, day(1, 10), false)
	if n, err := other.Prune(t.Context(), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)); err != nil || n != 10 {
		t.Fatal(n, err)
	}
	appendText(t, other, newFile("imported"), requests(100), false)
	lines, end := content(day(1, 10))
	for i := range lines {
		lines[i].Offset += f.Offset
	}
	if err := agent.Append(t.Context(), f, lines, f.Offset+end, false); err != nil {
		t.Fatal(err)
	}
	if n := count(t, agent, `SELECT count(*) FROM log WHERE vhost = 'v1' AND client = '192.0.2.1' AND user_agent GLOB 'agent ?'`); n != 10 {
		t.Errorf("%d of 10 lines have their own words", n)
	}
}
