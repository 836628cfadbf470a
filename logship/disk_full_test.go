package logship

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlskeeper/internal/durable"
	"tlskeeper/logship/logshiptest"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

// smallDisk mounts a file system of size bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "size="+size+",mode=0755"); err != nil {
		t.Skipf("mounting a small file system is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillUp takes all the room that is left, and returns what gives it back.
func fillUp(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 1 << 16; n > 0; n /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// onSmallDisk is an agent whose database, but not whose log, is on a disk that
// is nearly full. It publishes its state there, as the command does.
func onSmallDisk(t *testing.T) (s *shipping, disk string) {
	disk = smallDisk(t, "4m")
	s = newShipping(t, nil)
	st, err := store.Open(filepath.Join(disk, "db", "tls.db"), store.Options{Log: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s.store, s.conf.Store = st, st
	s.conf.Publish = func(tally.Stats) error {
		return durable.WriteFile(filepath.Join(disk, "agent.json"), make([]byte, 3000), 0o644)
	}
	return s, disk
}

// writesOn writes lines at the pace of the agent's attempts, some twenty of them.
func (s *shipping) writesOn(from, to int) {
	step := (to - from + 1) / 20
	for n := from; n <= to; n += step {
		s.write(recent(n, min(n+step-1, to)))
		time.Sleep(s.conf.Poll)
	}
}

// While the disk is full the agent waits and says so once; when there is room
// again it goes on where it was.
func TestDiskFull(t *testing.T) {
	s, disk := onSmallDisk(t)
	stop := s.background()
	s.write(recent(1, 100))
	s.shipsAll(100)
	free := fillUp(t, disk)
	s.writesOn(101, 2100)
	logshiptest.Eventually(t, "a word about it", func() bool { return strings.Contains(s.said.String(), "full") })
	free()
	s.shipsAll(2100)
	stop()
	s.wantShipped(1, 2100)
	for _, said := range []string{"following the log", "storing goes on"} {
		if n := strings.Count(s.said.String(), said); n != 1 {
			t.Errorf("%q was said %d times:\n%s", said, n, s.said)
		}
	}
	if n := s.cloud.Accepted(); n != 2100 {
		t.Errorf("%d events accepted, want 2100", n)
	}
}

// What CloudWatch has taken is not sent again and again because the disk has no
// room for noting it.
func TestDiskFullWhenTheAnswerComes(t *testing.T) {
	s, disk := onSmallDisk(t)
	s.cloud.Break(logshiptest.Unavailable())
	stop := s.background()
	s.write(recent(1, 3000))
	logshiptest.Eventually(t, "the lines in the store", func() bool {
		st, err := s.store.Stats(t.Context())
		return err == nil && st.Rows == 3000 && s.cloud.Requests("PutLogEvents") > 3
	})
	free := fillUp(t, disk)
	s.cloud.Repair()
	logshiptest.Eventually(t, "a word about it", func() bool { return strings.Contains(s.said.String(), "noting what was shipped") })
	s.writesOn(3001, 4000)
	free()
	s.shipsAll(4000)
	stop()
	s.wantShipped(1, 4000)
	if n := s.cloud.Accepted(); n != 4000 {
		t.Errorf("%d events accepted, want 4000", n)
	}
}
