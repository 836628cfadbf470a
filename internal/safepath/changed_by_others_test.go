package safepath

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

const (
	nobody = 65534
	alice  = 54321 // uid and gid of one who is not in the user database
)

var (
	root     = identity{0, 0}
	theUser  = identity{alice, alice} // as if alice ran us
	theGuest = identity{nobody, nobody}
)

// tree is DIR/way/to/file, everything of root's and 0755 or 0644.
func tree(t *testing.T) (dir string) {
	t.Helper()
	testenv.NeedRoot(t)
	dir = t.TempDir()
	err := errors.Join(os.MkdirAll(filepath.Join(dir, "way/to"), 0o755), os.WriteFile(filepath.Join(dir, "way/to/file"), []byte("ours"), 0o644))
	for _, p := range []string{"", "way", "way/to"} {
		err = errors.Join(err, os.Chmod(filepath.Join(dir, p), 0o755))
	}
	if err = errors.Join(err, os.Chmod(filepath.Join(dir, "way/to/file"), 0o644)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// change is what was done to one place of the tree before the look.
type change struct {
	path     string
	uid, gid int
	mode     os.FileMode // 0: as it was
}

func (c change) do(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, c.path)
	err := os.Lchown(path, c.uid, c.gid)
	if c.mode != 0 {
		err = errors.Join(err, os.Chmod(path, c.mode))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func look(path string, who identity) error {
	w, err := follow(path, who)
	if err != nil {
		return err
	}
	defer w.close()
	return w.verdict(path)
}

func TestWhoMayChangeAFile(t *testing.T) {
	const file, parent, above = "way/to/file", "way/to", "way"
	sticky := os.ModeSticky | 0o777
	for name, c := range map[string]struct {
		who     identity
		changes []change
		says    string // "" is safe
	}{
		"root's":                     {root, nil, ""},
		"for a group to read":        {root, []change{{file, 0, alice, 0o640}}, ""},
		"root's group writes":        {root, []change{{file, 0, 0, 0o664}, {parent, 0, 0, 0o775}}, ""},
		"of a user":                  {root, []change{{file, alice, 0, 0o600}}, "user 54321 owns the file DIR/way/to/file"},
		"of a user who may not":      {root, []change{{file, alice, 0, 0o444}}, "user 54321 owns the file"}, // chmod is an owner's right
		"a group writes":             {root, []change{{file, 0, alice, 0o664}}, "the group 54321 may write the file DIR/way/to/file"},
		"the world writes":           {root, []change{{file, 0, 0, 0o646}}, "everybody may write the file"},
		"all three":                  {root, []change{{file, alice, alice, 0o666}}, "user 54321 owns the file DIR/way/to/file, the group 54321 may write the file DIR/way/to/file, everybody may write"},
		"parent of a user":           {root, []change{{parent, alice, 0, 0}}, "user 54321 owns the directory DIR/way/to"},
		"parent a group writes":      {root, []change{{parent, 0, alice, 0o775}}, "the group 54321 may write the directory DIR/way/to"},
		"parent the world writes":    {root, []change{{parent, 0, 0, 0o777}}, "everybody may write the directory DIR/way/to"},
		"above of a user":            {root, []change{{above, alice, 0, 0}}, "user 54321 owns the directory DIR/way"},
		"above a group writes":       {root, []change{{above, 0, alice, 0o775}}, "the group 54321 may write the directory DIR/way"},
		"above the world writes":     {root, []change{{above, 0, 0, 0o777}}, "everybody may write the directory DIR/way"},
		"two places":                 {root, []change{{above, alice, 0, 0}, {file, 0, 0, 0o666}}, "user 54321 owns the directory DIR/way, everybody may write the file"},
		"sticky parent":              {root, []change{{parent, 0, 0, sticky}}, ""},
		"sticky above":               {root, []change{{above, 0, 0, sticky}}, ""},
		"sticky for a group":         {root, []change{{parent, 0, alice, os.ModeSticky | 0o775}}, ""},
		"sticky of a user":           {root, []change{{parent, alice, 0, sticky}}, "user 54321 owns the directory DIR/way/to"},
		"sticky, entry of a user":    {root, []change{{parent, 0, 0, sticky}, {file, alice, 0, 0}}, "user 54321 owns the file"},
		"sticky, way of a user":      {root, []change{{above, 0, 0, sticky}, {parent, alice, 0, 0}}, "user 54321 owns the directory DIR/way/to"},
		"user: root's":               {theUser, nil, ""},
		"user: theirs":               {theUser, []change{{above, alice, alice, 0o700}, {parent, alice, alice, 0}, {file, alice, alice, 0o600}}, ""},
		"user: umask 002":            {theUser, []change{{above, alice, alice, 0o775}, {parent, alice, alice, 0o775}, {file, alice, alice, 0o664}}, ""},
		"user: of another":           {theUser, []change{{file, nobody, alice, 0o600}}, "owns the file"},
		"user: another group writes": {theUser, []change{{file, alice, nobody, 0o664}}, "may write the file"},
		"user: the world writes":     {theUser, []change{{file, alice, alice, 0o646}}, "everybody may write the file"},
		"user: parent of another":    {theUser, []change{{parent, nobody, 0, 0}}, "owns the directory DIR/way/to"},
		"user: the world's parent":   {theUser, []change{{parent, alice, 0, 0o777}}, "everybody may write the directory"},
		"user: theirs in sticky":     {theUser, []change{{parent, 0, 0, sticky}, {file, alice, 0, 0}}, ""},
		"guest: of the user":         {theGuest, []change{{file, alice, 0, 0}}, "user 54321 owns the file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			for _, change := range c.changes {
				change.do(t, dir)
			}
			holds(t, look(filepath.Join(dir, file), c.who), dir, c.says)
		})
	}
}

func holds(t *testing.T, err error, dir, says string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	switch {
	case says == "" && err != nil:
		t.Errorf("refused: %v", err)
	case says != "" && (!ok || !strings.Contains(e.Why, strings.ReplaceAll(says, "DIR", dir))):
		t.Errorf("got %v, want %q", err, says)
	}
}

// What a hint says to type makes the file safe, whatever was open, in one go.
func TestTheHintHelps(t *testing.T) {
	for name, changes := range map[string][]change{
		"file":       {{"way/to/file", alice, alice, 0o666}},
		"directory":  {{"way", 0, alice, 0o777}},
		"everything": {{"way", alice, 0, 0o777}, {"way/to", 0, alice, 0o775}, {"way/to/file", alice, alice, 0o666}},
	} {
		t.Run(name, func(t *testing.T) {
			plain := tree(t)
			dir := filepath.Join(plain, "it's; $(x)")
			if err := errors.Join(os.Mkdir(dir, 0o755), os.Rename(plain+"/way", dir+"/way")); err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				c.do(t, dir)
			}
			err := Check(filepath.Join(dir, "way/to/file"))
			text := hint.Of(err)
			line := text[strings.LastIndex(text, ": ")+1:]
			if err == nil || line == "" {
				t.Fatalf("%v (hint %q)", err, text)
			}
			if out, err := exec.Command("/bin/sh", "-c", line).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", line, err, out)
			}
			if err := Check(filepath.Join(dir, "way/to/file")); err != nil {
				t.Errorf("after %q: %v", line, err)
			}
		})
	}
}

func TestLinksOnTheWay(t *testing.T) {
	for name, c := range map[string]struct {
		links   [][2]string // target and place, in their order
		changes []change
		says    string
	}{
		"root's":                       {[][2]string{{"to/file", "way/link"}}, nil, ""},
		"root's, to a directory":       {[][2]string{{"DIR/way", "way2"}, {"../way2/to/file", "way/link"}}, nil, ""},
		"up and down":                  {[][2]string{{"./../way/to/../to//file", "way/link"}}, nil, ""},
		"of a user":                    {[][2]string{{"to/file", "way/link"}}, []change{{path: "way/link", uid: alice}}, "user 54321 owns the link DIR/way/link"},
		"the second one of a user":     {[][2]string{{"to/file", "way/b"}, {"b", "way/link"}}, []change{{path: "way/b", uid: alice}}, "owns the link DIR/way/b"},
		"a parent's, of a user":        {[][2]string{{"DIR/way", "way2"}, {"../way2/to/file", "way/link"}}, []change{{path: "way2", uid: alice}}, "owns the link DIR/way2"},
		"in a directory of a user":     {[][2]string{{"/etc/passwd", "way/link"}}, []change{{path: "way", uid: alice}}, "user 54321 owns the directory DIR/way"},
		"in a directory of everybody":  {[][2]string{{"/etc/passwd", "way/link"}}, []change{{path: "way", mode: 0o777}}, "everybody may write the directory DIR/way"},
		"in a sticky one, of root":     {[][2]string{{"to/file", "way/link"}}, []change{{path: "way", mode: os.ModeSticky | 0o777}}, ""},
		"in a sticky one, of a user":   {[][2]string{{"to/file", "way/link"}}, []change{{path: "way", mode: os.ModeSticky | 0o777}, {path: "way/link", uid: alice}}, "owns the link"},
		"into a directory of a user":   {[][2]string{{"to/file", "way/link"}}, []change{{path: "way/to", uid: alice}}, "user 54321 owns the directory DIR/way/to"},
		"to a file of a user":          {[][2]string{{"to/file", "way/link"}}, []change{{path: "way/to/file", uid: alice}}, "user 54321 owns the file DIR/way/to/file"},
		"up out of a user's directory": {[][2]string{{"DIR/way/to/../to/file", "way/link"}}, []change{{path: "way/to", uid: alice}}, "owns the directory DIR/way/to"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			for _, l := range c.links {
				if err := os.Symlink(strings.ReplaceAll(l[0], "DIR", dir), filepath.Join(dir, l[1])); err != nil {
					t.Fatal(err)
				}
			}
			for _, change := range c.changes {
				change.do(t, dir)
			}
			holds(t, look(filepath.Join(dir, "way/link"), root), dir, c.says)
		})
	}
}

// What lies behind a link that others may make is their choice: it is not
// named, least of all in a line that root is to type.
func TestBehindALinkOfAnother(t *testing.T) {
	dir := tree(t)
	bait := filepath.Join(t.TempDir(), "bait")
	link := filepath.Join(dir, "way/link")
	if err := errors.Join(os.WriteFile(bait, nil, 0o666), os.Symlink(bait, link), os.Lchown(link, alice, 0)); err != nil {
		t.Fatal(err)
	}
	err := Check(link)
	if err == nil || strings.Contains(err.Error()+hint.Of(err), "bait") || !strings.Contains(hint.Of(err), "chown -h root "+link) {
		t.Errorf("%v (hint %q)", err, hint.Of(err))
	}
}

func TestLinkThatLeadsToItself(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "a")
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	if err := Check(link); !errors.Is(err, unix.ELOOP) {
		t.Errorf("got %v", err)
	}
}

// A name is exchanged all the time, between a file of ours and one of another
// user: only ours may be read, however the two are timed.
func TestExchangedWhileItIsRead(t *testing.T) {
	dir := tree(t)
	path, other := filepath.Join(dir, "way/to/file"), filepath.Join(dir, "way/to/other")
	if err := errors.Join(os.WriteFile(other, []byte("theirs"), 0o644), os.Chown(other, alice, alice)); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE); err != nil {
				stopped <- err
				return
			}
		}
	}()
	read := 0
	for range 5000 {
		data, err := ReadFile(path)
		if err == nil {
			read++
		}
		if err == nil && string(data) != "ours" {
			t.Fatalf("read %q", data)
		}
	}
	close(stop)
	if err := <-stopped; errors.Is(err, unix.EINVAL) {
		t.Skip("this file system cannot exchange names")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Logf("read %d times, refused %d times", read, 5000-read)
}

func TestAccessList(t *testing.T) {
	for name, c := range map[string]struct {
		tag, perm uint16
		id        uint32
		says      string
	}{
		"user writes":         {aclUser, 6, alice, "user 54321, by its access list, may write the file"},
		"group writes":        {aclGroup, 6, alice, "the group 54321, by its access list, may write the file"},
		"user reads":          {aclUser, 4, alice, ""},
		"root's group writes": {aclGroup, 6, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			path := filepath.Join(dir, "way/to/file")
			// user::rw-, the named one, group::r--, mask::rw-, other::r--
			list := binary.LittleEndian.AppendUint32(nil, 2)
			for _, e := range []struct {
				tag, perm uint16
				id        uint32
			}{{1, 6, 0xffffffff}, {c.tag, c.perm, c.id}, {4, 4, 0xffffffff}, {16, 6, 0xffffffff}, {32, 4, 0xffffffff}} {
				if c.tag == aclGroup && e.tag == aclGroup { // entries are in the order of their tags
					continue
				}
				list = appendEntry(list, e.tag, e.perm, e.id)
				if c.tag == aclGroup && e.tag == 4 {
					list = appendEntry(list, c.tag, c.perm, c.id)
				}
			}
			if err := unix.Setxattr(path, aclAttribute, list, 0); errors.Is(err, unix.EOPNOTSUPP) {
				t.Skip("this file system has no access lists")
			} else if err != nil {
				t.Fatal(err)
			}
			err := Check(path)
			holds(t, err, dir, c.says)
			if err == nil {
				return
			}
			if out, err := exec.Command("/bin/sh", "-c", hint.Of(err)).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if err := Check(path); err != nil {
				t.Errorf("after the hint: %v", err)
			}
		})
	}
}

func appendEntry(list []byte, tag, perm uint16, id uint32) []byte {
	list = binary.LittleEndian.AppendUint16(list, tag)
	list = binary.LittleEndian.AppendUint16(list, perm)
	return binary.LittleEndian.AppendUint32(list, id)
}

func TestWhatIsNotThere(t *testing.T) {
	dir := tree(t)
	missing := filepath.Join(dir, "way/to/missing")
	if err := Check(missing); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v", err)
	}
	if err := Check(filepath.Join(dir, "way/to/file/x")); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("got %v", err)
	}
	// Others may put one there.
	if err := os.Chown(filepath.Join(dir, "way"), alice, 0); err != nil {
		t.Fatal(err)
	}
	holds(t, Check(missing), dir, "user 54321 owns the directory DIR/way")
}

func TestWhatIsNotAFile(t *testing.T) {
	dir := tree(t)
	pipe := filepath.Join(dir, "way/pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, "/"} {
		if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	big := filepath.Join(dir, "way/big")
	if err := os.WriteFile(big, make([]byte, maxFile+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(big); err == nil || !strings.Contains(err.Error(), "too big") {
		t.Error(err)
	}
}

func TestRelativePath(t *testing.T) {
	dir := tree(t)
	t.Chdir(filepath.Join(dir, "way"))
	if data, err := ReadFile("to/../to/./file"); err != nil || string(data) != "ours" {
		t.Errorf("%q, %v", data, err)
	}
	if err := os.Chown(dir, alice, 0); err != nil {
		t.Fatal(err)
	}
	holds(t, Check("to/file"), dir, "user 54321 owns the directory DIR")
}

// A long way must not leave descriptors open.
func TestDescriptorsAreClosed(t *testing.T) {
	dir := tree(t)
	if err := errors.Join(os.Symlink("to/file", filepath.Join(dir, "way/link")), os.Symlink(dir+"/way/link", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := 0
	for range 50 {
		if _, err := ReadFile(filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if err := Check(filepath.Join(dir, "way/link/x")); err == nil {
			t.Fatal("a file is not a directory")
		}
		if before == 0 { // Go's own poller is open from the first time on
			before = open()
		}
	}
	if after := open(); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}
