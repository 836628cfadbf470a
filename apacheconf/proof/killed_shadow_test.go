package proof

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tlskeeper/apacheconf/httpd"
)

// The shadow of a run that was killed goes at the next run, that of one which
// lives stays.
func TestShadowOfTheKilled(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	alive, lock, err := makeDir("")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	dead := filepath.Join(tmp, shadowPrefix+"dead")
	fresh := filepath.Join(tmp, shadowPrefix+"fresh")
	if err := errors.Join(os.Mkdir(dead, 0o700), os.WriteFile(filepath.Join(dead, shadowLock), []byte("1\n"), 0o600), os.Mkdir(fresh, 0o700)); err != nil {
		t.Fatal(err)
	}
	next, release, err := makeDir("")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(next)
	defer release.Release()
	if httpd.Exists(dead) || !httpd.Exists(alive) || !httpd.Exists(fresh) {
		t.Errorf("dead %v, alive %v, in the making %v", httpd.Exists(dead), httpd.Exists(alive), httpd.Exists(fresh))
	}
}
