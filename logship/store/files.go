package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
)

// FingerprintSize is how many of a file's first bytes tell it from others: some
// six lines, each with its second, address and agent. A file that is still
// shorter is known by what it has, and its fingerprint grows.
const FingerprintSize = 1024

// File is a log file as the ledger knows it and where its reader stands. A file
// keeps its identity when it is renamed or compressed.
type File struct {
	ID             int64  // 0: not in the database yet
	Path           string // where it was last seen
	Dev, Inode     uint64 // 0 for what is only imported
	Fingerprint    []byte // SHA-256 of the first FingerprintLen (decompressed) bytes
	FingerprintLen int64
	Offset         int64 // the (decompressed) bytes taken in by its reader
}

// SetFingerprint identifies f by head, its first bytes; what is beyond
// FingerprintSize is left aside.
func (f *File) SetFingerprint(head []byte) {
	head = head[:min(len(head), FingerprintSize)]
	sum := sha256.Sum256(head)
	f.Fingerprint, f.FingerprintLen = sum[:], int64(len(head))
}

// Begins tells whether content that begins with head may be f's: f's
// fingerprint is that of head's first bytes.
func (f *File) Begins(head []byte) bool {
	if f.FingerprintLen <= 0 || f.FingerprintLen > int64(len(head)) {
		return false
	}
	sum := sha256.Sum256(head[:f.FingerprintLen])
	return bytes.Equal(sum[:], f.Fingerprint)
}

// match returns the file among files whose fingerprint covers most of head, or
// nil. head should hold FingerprintSize bytes, if the content has so many.
func match(files []File, head []byte) *File {
	var best *File
	for i := range files {
		f := &files[i]
		if f.Begins(head) && (best == nil || f.FingerprintLen > best.FingerprintLen) {
			best = f
		}
	}
	return best
}

// Files returns every file ever read, in the order they were met.
func (s *Store) Files(ctx context.Context) (files []File, err error) {
	err = s.look(ctx, func() error {
		files, err = s.files()
		return err
	})
	return files, err
}

func (s *Store) files() ([]File, error) {
	var files []File
	err := s.query(func(row []driver.Value) error {
		var f File
		var dev, inode int64
		if err := read(row, &f.ID, &f.Path, &dev, &inode, &f.Fingerprint, &f.FingerprintLen, &f.Offset); err != nil {
			return err
		}
		f.Dev, f.Inode = uint64(dev), uint64(inode)
		files = append(files, f)
		return nil
	}, `SELECT id, path, dev, inode, fingerprint, fingerprint_len, offset FROM file ORDER BY id`)
	return files, err
}

// blob copies a BLOB's bytes; the driver gives nil for an empty one.
func blob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return append([]byte{}, b...)
}

// notNull gives the driver an empty BLOB where it would write NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Identify finds the file that f, beginning with head, is, or registers it as
// imported, in one transaction. f's Path, Dev and Inode say what was opened; on
// success f is the file as the database knows it. What is registered here has
// no inode, because nobody follows it.
func (s *Store) Identify(ctx context.Context, f *File, head []byte) error {
	var found File
	err := s.write(ctx, func() error {
		files, err := s.files()
		if err != nil {
			return err
		}
		if known := f.among(files, head); known != nil {
			found = *known
			return nil
		}
		found = File{Path: f.Path}
		found.SetFingerprint(head)
		return s.insertFile(&found)
	})
	if err == nil {
		*f = found
	}
	return err
}

// among finds f by its inode, which may be known while it was still empty, or by head.
func (f *File) among(files []File, head []byte) *File {
	for i := len(files) - 1; i >= 0 && f.Inode != 0; i-- {
		k := &files[i]
		if k.Inode == f.Inode && k.Dev == f.Dev && (k.FingerprintLen == 0 || k.Begins(head)) {
			return k
		}
	}
	return match(files, head)
}

func (s *Store) insertFile(f *File) error {
	id, err := s.exec(`INSERT INTO file (path, dev, inode, fingerprint, fingerprint_len, offset) VALUES (?, ?, ?, ?, ?, ?)`,
		f.Path, int64(f.Dev), int64(f.Inode), notNull(f.Fingerprint), f.FingerprintLen, int64(0))
	f.ID = id
	return err
}

// resolve gives f its row: the one it names, one of the same beginning, or a new
// one. Two logs that are followed may begin with the same request, so while
// their fingerprints are short, the inode must agree, too.
func (s *Store) resolve(f *File) error {
	if f.ID != 0 {
		return nil
	}
	if f.FingerprintLen > 0 {
		err := s.query(func(row []driver.Value) error { return read(row, &f.ID) }, `SELECT id FROM file WHERE fingerprint = ?1 AND fingerprint_len = ?2
			AND (?2 = ?3 OR inode = 0 OR ?4 = 0 OR inode = ?4 AND dev = ?5) ORDER BY id LIMIT 1`,
			notNull(f.Fingerprint), f.FingerprintLen, int64(FingerprintSize), int64(f.Inode), int64(f.Dev))
		if err != nil || f.ID != 0 {
			return err
		}
	}
	return s.insertFile(f)
}
