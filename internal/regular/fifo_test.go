package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A FIFO that nobody writes to, and a directory, are refused at once.
func TestWhatIsNotAFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir, "/dev/null"} {
		opened := make(chan error, 1)
		go func() {
			f, _, err := Open(path)
			if f != nil {
				f.Close()
			}
			opened <- err
		}()
		select {
		case err := <-opened:
			if named, ok := errors.AsType[*fs.PathError](err); !ok || named.Path != path || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%s: %v", path, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("opening %s waits for somebody", path)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, info, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != "text" || info.Size() != 4 || err != nil {
		t.Errorf("%q of %d bytes, %v", text, info.Size(), err)
	}
}

// A path that is said already is not said twice.
func TestCauseLeavesThePathOut(t *testing.T) {
	_, _, err := Open(filepath.Join(t.TempDir(), "none"))
	if got := Cause(fmt.Errorf("reading: %w", err)); !errors.Is(got, fs.ErrNotExist) || got.Error() != "no such file or directory" {
		t.Errorf("got %v", got)
	}
	if got := Cause(io.EOF); got != io.EOF {
		t.Errorf("got %v", got)
	}
}

func TestLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	link := path + ".link"
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if text, err := Read(link, 10); err != nil || string(text) != "0123456789" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := Read(path, 9); err == nil {
		t.Error("a file longer than the limit was read")
	}
}
