package owner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These need no accounts.
const (
	someone  = 54321
	somebody = 54322
)

// childWork makes the test binary do what its value says.
const childWork = "TLSKEEPER_TEST_WORK"

func TestMain(m *testing.M) {
	switch os.Getenv(childWork) {
	case "":
		os.Exit(m.Run())
	case "rights":
		if err := Harmless(); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
	case "copy": // what was handed over, to stdout
		io.Copy(os.Stdout, os.NewFile(FirstFile, "handed"))
	case "terminal":
		if _, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
			os.Exit(1)
		}
	case "descriptors":
		for fd := range 64 {
			if to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil {
				fmt.Println(to)
			}
		}
	case "announce":
		fmt.Println(os.Getpid())
		time.Sleep(time.Hour)
	case "leave": // somebody behind who writes on
		left := exec.Command("/proc/self/exe")
		left.Env, left.Stdout = []string{childWork + "=write"}, os.Stdout
		if left.Start() != nil {
			os.Exit(1)
		}
	case "write":
		for _, err := fmt.Println("more"); err == nil; _, err = fmt.Println("more") {
		}
	case "trace":
		trace()
	case "sleep":
		time.Sleep(time.Hour)
	case "fail":
		os.Exit(7)
	}
	os.Exit(0)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make another user's directories")
	}
}

// tree makes the directories, files and links of spec below a directory of
// root's that others may pass. Each is "path" (a directory), "path=" (a file)
// or "path->target", then its owner and mode.
type entry struct {
	path string
	uid  int
	mode os.FileMode
	to   string // of a link
	file bool
}

func tree(t *testing.T, entries ...entry) string {
	t.Helper()
	root := t.TempDir()
	for _, e := range entries {
		path := filepath.Join(root, e.path)
		var err error
		switch {
		case e.to != "":
			err = os.Symlink(strings.ReplaceAll(e.to, "ROOT", root), path)
		case e.file:
			err = os.WriteFile(path, []byte("content\n"), 0o600)
		default:
			err = os.Mkdir(path, 0o755)
		}
		if err = errors.Join(err, os.Lchown(path, e.uid, e.uid)); err == nil && e.mode != 0 {
			err = syscall.Chmod(path, uint32(e.mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWhoseADirectoryIs(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct {
		entries []entry
		dir     string
		uid     uint32
		refused string
	}{
		"root's":                        {[]entry{{path: "a"}}, "a", 0, ""},
		"not there yet":                 {[]entry{{path: "a"}}, "a/b/c", 0, ""},
		"a user's":                      {[]entry{{path: "a"}, {path: "a/b", uid: someone}}, "a/b", someone, ""},
		"below a user's":                {[]entry{{path: "a", uid: someone}, {path: "a/b"}}, "a/b", someone, ""},
		"not there yet, below a user's": {[]entry{{path: "a", uid: someone}}, "a/b", someone, ""},
		"of two users":                  {[]entry{{path: "a", uid: someone}, {path: "a/b", uid: somebody}}, "a/b", 0, "two users"},
		"by root's link":                {[]entry{{path: "a", uid: someone}, {path: "l", to: "a"}}, "l", someone, ""},
		"by root's whole path":          {[]entry{{path: "a", uid: someone}, {path: "l", to: "ROOT/a"}}, "l", someone, ""},
		"by a user's link":              {[]entry{{path: "a"}, {path: "l", to: "a", uid: someone}}, "l", 0, "does not follow"},
		"by a link in a user's":         {[]entry{{path: "a", uid: someone}, {path: "b"}, {path: "a/l", to: "../b"}}, "a/l", 0, "does not follow"},
		"round":                         {[]entry{{path: "l", to: "m"}, {path: "m", to: "l"}}, "l", 0, "too many"},
		"open to a group":               {[]entry{{path: "a", mode: 0o775}, {path: "a/b"}}, "a/b", 0, ""},
		"open to all":                   {[]entry{{path: "a", mode: 0o777}}, "a/b", 0, "others may change it"},
		"sticky":                        {[]entry{{path: "a", mode: 0o1777}}, "a", 0, ""},
		"a file":                        {[]entry{{path: "a", file: true}}, "a", 0, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := OfFile(filepath.Join(tree(t, c.entries...), c.dir, "tls.db"))
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%v, %v; want %q", got, err, c.refused)
				}
				return
			}
			if err != nil || got.UID != c.uid {
				t.Errorf("%v, %v; want user %d", got, err, c.uid)
			}
		})
	}
}

func TestADirectoryOpenToAGroupIsNobodys(t *testing.T) {
	needRoot(t)
	dir := tree(t, entry{path: "a", mode: 0o775})
	if err := os.Chown(filepath.Join(dir, "a"), 0, someone); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "a"), 0o775); err != nil {
		t.Fatal(err)
	}
	if got, err := OfFile(filepath.Join(dir, "a", "tls.db")); err == nil {
		t.Errorf("%v", got)
	}
}

func TestRootReadsForOthersOnlyWhatItWasShown(t *testing.T) {
	needRoot(t)
	secret := entry{path: "secret", file: true, mode: 0o600}
	for name, c := range map[string]struct {
		entries []entry
		path    string
		opens   bool
	}{
		"a file of root's":      {[]entry{secret}, "secret", true},
		"a user's file":         {[]entry{{path: "a", uid: someone}, {path: "a/f", uid: someone, file: true}}, "a/f", true},
		"a user's link":         {[]entry{secret, {path: "a", uid: someone}, {path: "a/l", uid: someone, to: "../secret"}}, "a/l", false},
		"root's link":           {[]entry{secret, {path: "l", to: "secret"}}, "l", true},
		"root's link to a link": {[]entry{secret, {path: "l", to: "m"}, {path: "m", to: "ROOT/secret"}}, "l", true},
		"a link to a directory": {[]entry{{path: "a"}, {path: "l", to: "a"}}, "l", false},
		"through a user's link": {[]entry{{path: "a"}, {path: "a/f", file: true}, {path: "l", uid: someone, to: "a"}}, "l/f", false},
		"through root's link":   {[]entry{{path: "a"}, {path: "a/f", file: true}, {path: "l", to: "a"}}, "l/f", true},
		"a directory":           {[]entry{{path: "a"}}, "a", false},
		"nothing":               {nil, "a", false},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(filepath.Join(tree(t, c.entries...), c.path))
			if (err == nil) != c.opens {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				defer f.Close()
				if text, err := io.ReadAll(f); err != nil || string(text) != "content\n" {
					t.Errorf("read %q, %v", text, err)
				}
			}
		})
	}
}

func TestASecondNameInAUsersDirectoryMayBeAnybodys(t *testing.T) {
	needRoot(t)
	dir := tree(t, entry{path: "secret", file: true}, entry{path: "a", uid: someone})
	if err := os.Link(filepath.Join(dir, "secret"), filepath.Join(dir, "a", "f")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "a", "f")); !errors.Is(err, ErrSecondName) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(filepath.Join(dir, "secret")); err != nil {
		t.Errorf("root's own name: %v", err)
	}
}

func TestAFIFOIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "f"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "f")); !errors.Is(err, ErrNotRegular) {
		t.Errorf("got %v", err)
	}
}

func work(t *testing.T, what string, files ...*os.File) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	err := Owner{someone, someone}.Run(ctx, Work{Env: []string{childWork + "=" + what}, Stdout: &out, Stderr: &out, Files: files})
	return out.String(), err
}

func TestTheWorkHasNoRightsOfRoots(t *testing.T) {
	needRoot(t)
	if out, err := work(t, "rights"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := work(t, "terminal"); err != nil {
		t.Errorf("it has a terminal: %v: %s", err, out)
	}
	if err := Harmless(); err == nil {
		t.Error("root is said to be harmless")
	}
	if err := (Owner{}).Run(t.Context(), Work{}); err == nil {
		t.Error("work as root was done")
	}
}

func TestTheWorkReadsWhatItIsHanded(t *testing.T) {
	needRoot(t)
	f, err := Open(filepath.Join(tree(t, entry{path: "f", file: true, mode: 0o600}), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if out, err := work(t, "copy", f); err != nil || out != "content\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestTheWorkEndsWithItsStatusAndItsContext(t *testing.T) {
	needRoot(t)
	_, err := work(t, "fail")
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	err = Owner{someone, someone}.Run(ctx, Work{Env: []string{childWork + "=sleep"}, Stdout: io.Discard, Stderr: io.Discard})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
