package acme

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
	"tlskeeper/internal/testenv/killat"
)

// soak tells that the long forms of tests are wanted.
func soak() bool { return os.Getenv("TLSKEEPER_SOAK") != "" }

// childCommand is this test binary, told to do one run.
func childCommand(t *testing.T, r killedRun) *exec.Cmd {
	t.Helper()
	told, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(told))
	return cmd
}

// victim is the request of one of many certificates of a host.
func (h host) victim(i int) Request {
	r := h.request()
	r.Name = "k" + strconv.Itoa(i)
	r.Names = []string{r.Name + ".example.org", "www." + r.Name + ".example.org"}
	return r
}

// checkResumed does a whole run of renew after a kill: issued once in all,
// nothing readable that should not be, nothing left over.
func checkResumed(t *testing.T, h host, r Request, issuedBefore int) {
	t.Helper()
	checkTree(t, h.dir)
	h.renew(t, r)
	g, err := store.Open(h.dir).Latest(r.Name)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.ca.Issued() - issuedBefore; got != 1 || g.Number != 1 {
		t.Errorf("the CA issued %d certificates, and we have generation %d", got, g.Number)
	}
	if found := litter(t, filepath.Dir(h.dir), filepath.Dir(h.webroot)); found != nil {
		t.Errorf("litter: %q", found)
	}
	checkModes(t, g)
	checkTree(t, h.dir)
	if target, err := filepath.EvalSymlinks(filepath.Join(h.dir, "live", r.Name)); err != nil || target != g.Dir {
		t.Errorf("live is %q: %v", target, err)
	}
}

// checkTree finds modes that let others read: only chains are public, and
// they lie in closed directories.
func checkTree(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		data := []byte{}
		if !d.IsDir() && info.Mode().Perm() != 0o600 {
			if data, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		if strings.Contains(string(data), "PRIVATE KEY") || d.IsDir() && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestKilledAtRandomInstants: 200 instants, 1,000 in the long form.
func TestKilledAtRandomInstants(t *testing.T) {
	h := newHost(t, acmetest.Options{NonceReject: 20})
	began := time.Now()
	if out, err := childCommand(t, killedRun{Config: h.config(), Request: h.victim(0)}).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(began)
	count, killed := 200, 0
	if soak() {
		count = 1000
	}
	for i := 1; i <= count && !t.Failed(); i++ {
		before := h.ca.Issued()
		for range 1 + i%2 { // every other one twice
			if h.killAfter(t, i, rand.N(whole)) {
				killed++
			}
		}
		checkResumed(t, h, h.victim(i), before)
	}
	t.Logf("%d certificates, %d kills before the end of a run", count, killed)
	if killed == 0 {
		t.Error("none was killed")
	}
}

// killAfter starts a run, and tells whether it was killed before its end.
func (h host) killAfter(t *testing.T, i int, after time.Duration) bool {
	t.Helper()
	cmd := childCommand(t, killedRun{Config: h.config(), Request: h.victim(i)})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return cmd.ProcessState.ExitCode() == -1
}

// TestKilledBeforeAnyChangeOfAFile: every one, about 125.
func TestKilledBeforeAnyChangeOfAFile(t *testing.T) {
	h := newHost(t, acmetest.Options{NonceReject: 5})
	places := 0
	for at := 1; !t.Failed(); at++ {
		h.dir = filepath.Join(t.TempDir(), "acme") // a new account each time
		before := h.ca.Issued()
		result, err := killat.Run(childCommand(t, killedRun{Config: h.config(), Request: h.victim(at)}), at)
		if errors.Is(err, killat.ErrNotPermitted) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !result.Killed {
			break
		}
		places++
		checkResumed(t, h, h.victim(at), before)
		if t.Failed() {
			t.Logf("killed before change %d, a %s", at, result.Call)
		}
	}
	t.Logf("%d places", places)
	if places < 50 {
		t.Errorf("only %d places", places)
	}
}
