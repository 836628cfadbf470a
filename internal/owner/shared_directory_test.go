package owner

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tlskeeper/internal/hint"
)

func TestADirectoryOpenByItsAccessListIsNobodys(t *testing.T) {
	needRoot(t)
	dir := filepath.Join(tree(t, entry{path: "a"}), "a")
	// user::rwx, user:someone:rwx, group::r-x, mask::rwx, other::r-x (acl(5))
	list := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, 7, 0xffffffff}, {2, 7, someone}, {4, 5, 0xffffffff}, {16, 7, 0xffffffff}, {32, 5, 0xffffffff}} {
		list = binary.LittleEndian.AppendUint16(list, e.tag)
		list = binary.LittleEndian.AppendUint16(list, e.perm)
		list = binary.LittleEndian.AppendUint32(list, e.id)
	}
	if err := unix.Setxattr(dir, "system.posix_acl_access", list, 0); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this file system has no access lists")
	} else if err != nil {
		t.Fatal(err)
	}
	got, err := OfFile(filepath.Join(dir, "b", "tls.db"))
	if err == nil || !strings.Contains(err.Error(), "access list") || hint.Of(err) != "chmod g-w "+dir {
		t.Errorf("%v, %v; hint %s", got, err, hint.Of(err))
	}
}

// In a directory like /tmp everybody's files lie side by side.
func TestAFileOfAnothersInADirectoryOfAll(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct {
		entries []entry
		refused string
	}{
		"not there":             {[]entry{{path: "tmp", mode: 0o1777}}, ""},
		"root's":                {[]entry{{path: "tmp", mode: 0o1777}, {path: "tmp/db", file: true}}, ""},
		"a user's":              {[]entry{{path: "tmp", mode: 0o1777}, {path: "tmp/db", file: true, uid: someone}}, "tmp/db:"},
		"a user's beside it":    {[]entry{{path: "tmp", mode: 0o1777}, {path: "tmp/db-wal", file: true, uid: someone}}, "tmp/db-wal:"},
		"a user's link":         {[]entry{{path: "tmp", mode: 0o1777}, {path: "tmp/db", to: "x", uid: someone}}, "tmp/db:"},
		"in root's own":         {[]entry{{path: "tmp", mode: 0o755}, {path: "tmp/db", file: true, uid: someone}}, ""},
		"in one not there yet":  {nil, ""},
		"in a user's directory": {[]entry{{path: "tmp", uid: someone}, {path: "tmp/db", file: true}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, c.entries...)
			_, err := OfFile(filepath.Join(dir, "tmp", "db"), "-wal")
			switch {
			case c.refused == "" && err != nil:
				t.Error(err)
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused) || hint.Of(err) == ""):
				t.Errorf("got %v", err)
			}
		})
	}
}
