package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// childOpen makes the test binary open new databases in step with another.
const childOpen = "TLSKEEPER_TEST_OPEN"

const openings = 200

// openInStep opens DIR/0.db to DIR/199.db, each at the moment when the other
// process, too, has come to it.
func openInStep(spec string) error {
	me, rest, _ := strings.Cut(spec, ",")
	other, dir, _ := strings.Cut(rest, ",")
	for i := range openings {
		if err := meet(filepath.Join(dir, fmt.Sprint(me, i)), filepath.Join(dir, fmt.Sprint(other, i))); err != nil {
			return err
		}
		s, err := Open(filepath.Join(dir, fmt.Sprint(i, ".db")), Options{})
		if err != nil {
			return fmt.Errorf("opening %d: %w", i, err)
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

func meet(mine, other string) error {
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if _, err := os.Stat(other); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s did not come", other)
}

func TestTwoProcessesOpenANewDatabaseAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for _, who := range []string{"a,b,", "b,a,"} {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = []string{childOpen + "=" + who + dir}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
}
