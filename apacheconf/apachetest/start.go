package apachetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"tlskeeper/internal/testenv"
)

// Start makes and starts an Apache under t.TempDir() and stops it at the end
// of the test. The test is skipped where apache2 is not installed.
func Start(t testing.TB, o Options) *Apache {
	t.Helper()
	a := Make(t, o)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Make is Start without starting; what the test starts is stopped at its end.
func Make(t testing.TB, o Options) *Apache {
	t.Helper()
	if o.Binary == "" {
		testenv.Need(t, "apache2")
	}
	dir := t.TempDir()
	// The test's own directory is 0700, and the workers run as www-data.
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a, err := New(filepath.Join(dir, "apache"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return a
}
