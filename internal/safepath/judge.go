package safepath

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// identity is the user we run as, beside root the only one to be trusted.
type identity struct{ uid, gid int }

func us() identity { return identity{os.Geteuid(), os.Getegid()} }

func (id identity) trusts(uid int) bool { return uid == 0 || uid == id.uid }

// trustsGroup: root's. Our own too where we are not root.
func (id identity) trustsGroup(gid int) bool { return gid == 0 || id.uid != 0 && gid == id.gid }

// judge tells what is open about one place; last is that it is the end of the
// path, and not a directory on the way.
func (id identity) judge(p place, last bool) []fault {
	var found []fault
	if !id.trusts(p.uid) {
		found = append(found, p.foreign(id))
	}
	if p.is(unix.S_IFLNK) { // its mode says nothing (symlink(7))
		return found
	}
	if p.is(unix.S_IFDIR) && p.mode&unix.S_ISVTX != 0 && !last {
		return found
	}
	if p.mode&0o020 != 0 {
		found = append(found, id.judgeGroup(p)...)
	}
	if p.mode&0o002 != 0 {
		found = append(found, fault{place: p, who: "everybody may write", fix: "chmod o-w"})
	}
	return found
}

func (id identity) judgeGroup(p place) []fault {
	if !id.trustsGroup(p.gid) {
		return []fault{{place: p, who: "the group " + groupName(p.gid) + " may write", fix: "chmod g-w"}}
	}
	// With an access list these bits are its mask, the most that it gives
	// anybody (acl(5)): taking them away takes the right from all in it.
	if who := id.listed(p); who != "" {
		return []fault{{place: p, who: who + ", by its access list, may write", fix: "chmod g-w"}}
	}
	return nil
}

// The layout of a list in its extended attribute: a version, then entries of
// tag, permissions and id, little endian (linux/posix_acl_xattr.h).
const (
	aclAttribute = "system.posix_acl_access"
	aclHeader    = 4
	aclEntry     = 8
	aclUser      = 0x02 // a named user
	aclGroup     = 0x08 // a named group
	aclWrite     = 0x02
)

// listed finds somebody whom p's access list lets write, "" where there is none.
func (id identity) listed(p place) string {
	list := make([]byte, 64<<10) // the most that the kernel keeps (XATTR_SIZE_MAX)
	n, err := unix.Getxattr(fmt.Sprintf("/proc/self/fd/%d", p.fd), aclAttribute, list)
	if err != nil || n < aclHeader { // there is none, or the file system knows none
		return ""
	}
	for e := list[aclHeader:n]; len(e) >= aclEntry; e = e[aclEntry:] {
		tag, perm, who := binary.LittleEndian.Uint16(e), binary.LittleEndian.Uint16(e[2:]), int(binary.LittleEndian.Uint32(e[4:]))
		switch {
		case perm&aclWrite == 0:
		case tag == aclUser && !id.trusts(who):
			return "user " + userName(who)
		case tag == aclGroup && !id.trustsGroup(who):
			return "the group " + groupName(who)
		}
	}
	return ""
}
