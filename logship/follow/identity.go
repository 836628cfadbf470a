package follow

import (
	"io/fs"
	"slices"
	"syscall"
	"time"

	"tlskeeper/logship/store"
)

// A file is known by its inode and by the hash of its first bytes. The inode
// alone is not an identity: the file system gives it to another file after the
// first is deleted, and truncating keeps it. Nor is the hash alone,
// while a file is short: two logs may begin with the same request.

// inode is the identity that the file system gives.
func inode(info fs.FileInfo) (dev, ino uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(st.Dev), st.Ino
}

func isInode(k *store.File, info fs.FileInfo) bool {
	dev, ino := inode(info)
	return k.Dev == dev && k.Inode == ino
}

// newFile is a file that nothing is known of yet.
func newFile(path string, info fs.FileInfo) *store.File {
	k := &store.File{Path: path, Fingerprint: []byte{}}
	if info != nil {
		k.Dev, k.Inode = inode(info)
	}
	return k
}

// settled is when info last changed: bytes by its time of modification, name by
// its time of change (a rename sets ctime). Quiet counts from there.
func settled(info fs.FileInfo) time.Time {
	at := info.ModTime()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if named := time.Unix(st.Ctim.Unix()); named.After(at) {
			return named
		}
	}
	return at
}

// match finds the file among known that the one opened as info, beginning with
// head, continues. A file whose inode says so goes before any that only looks
// alike; taken are those that somebody reads already.
func match(known []*store.File, info fs.FileInfo, head []byte, taken func(*store.File) bool) *store.File {
	if k := sameInode(known, info, head); k != nil && k.Offset <= info.Size() {
		return k
	}
	return lookAlike(known, head, func(k *store.File) bool {
		// A copy, whose likeness must not be chance: a full fingerprint, or a
		// file that so far was only imported.
		return (k.FingerprintLen == store.FingerprintSize || k.Inode == 0) && k.Offset <= info.Size() && !taken(k)
	})
}

// matchRotated is match for a file beside the log, of which any likeness counts:
// compressing leaves nothing else to go by.
func matchRotated(known []*store.File, info fs.FileInfo, head []byte) *store.File {
	if k := sameInode(known, info, head); k != nil {
		return k
	}
	return lookAlike(known, head, func(*store.File) bool { return true })
}

// sameInode goes from the newest: a truncated file has its inode twice.
func sameInode(known []*store.File, info fs.FileInfo, head []byte) *store.File {
	for _, k := range slices.Backward(known) {
		if isInode(k, info) && (k.FingerprintLen == 0 || k.Begins(head)) {
			return k
		}
	}
	return nil
}

func lookAlike(known []*store.File, head []byte, ok func(*store.File) bool) *store.File {
	var best *store.File
	for _, k := range known {
		if k.Begins(head) && ok(k) && (best == nil || k.FingerprintLen > best.FingerprintLen) {
			best = k
		}
	}
	return best
}
