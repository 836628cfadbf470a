package owner

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A shell script that holds a lock (flock 9) hands descriptor 9 to all that it
// starts, and the user whose process has it can take it (pidfd_getfd(2)).
func TestTheWorkHasNoDescriptorThatRootInherited(t *testing.T) {
	needRoot(t)
	for name, closeOthers := range map[string]func() error{"close_range": closeOnExec, "one by one": closeEachOnExec} {
		t.Run(name, func(t *testing.T) {
			fd, err := unix.Open(filepath.Join(tree(t, entry{path: "roots", file: true}), "roots"), unix.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := closeOthers(); err != nil {
				t.Fatal(err)
			}
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("it would be inherited: %v", err)
			}
		})
	}
	fd, err := unix.Open(filepath.Join(tree(t, entry{path: "roots", file: true}), "roots"), unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if out, err := work(t, "descriptors"); err != nil || strings.Contains(out, "roots") {
		t.Errorf("it holds %s, %v", out, err)
	}
}
