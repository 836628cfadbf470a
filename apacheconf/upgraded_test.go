package apacheconf

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/child"
)

// The packages of httpd and OpenSSL were upgraded while Apache ran on: status
// says which files it still has from before, and that a restart is due.
func TestPackageUpgraded(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	bin := filepath.Join(r.dir, "bin")
	binary, library := filepath.Join(bin, "apache2"), filepath.Join(bin, "libssl.so.3")
	found, _ := filepath.Glob("/usr/lib/*/libssl.so.3")
	if len(found) == 0 {
		t.Skip("no libssl.so.3 on this host")
	}
	copyProgram(t, r.a.Binary, binary)
	copyProgram(t, found[0], library)
	r.cfg.Binary, r.a.Binary = binary, binary
	_, err := child.Run(t.Context(), child.Cmd{Argv: r.a.Argv("-k", "start"), Env: append(child.MinimalEnv(), "LD_LIBRARY_PATH="+bin), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := httpd.Poll(t.Context(), httpd.HoldTimeout, func() (bool, error) { return r.a.PID() != 0, nil }); err != nil {
		t.Fatal(err)
	}
	if drift := r.status().Drift; len(drift) > 0 {
		t.Fatalf("before the upgrade: %+v", drift)
	}
	for _, path := range []string{binary, library} {
		copyProgram(t, path, path+".new")
		must(os.Rename(path+".new", path))
	}
	drift := r.status().Drift
	for _, path := range []string{binary, library} {
		if !slices.ContainsFunc(drift, func(f Finding) bool { return f.Code == "upgraded" && f.File == path }) {
			t.Errorf("%s is not named in %+v", path, drift)
		}
	}
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	copyFile(t, from, to)
	must(os.Chmod(filepath.Dir(to), 0o755))
	must(os.Chmod(to, 0o755))
}
