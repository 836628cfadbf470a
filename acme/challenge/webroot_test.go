package challenge

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv/killat"
)

var testProof = Proof{Way: Way{Type: HTTP01}, Name: "www.example.org", Token: "abc_-1", KeyAuth: "abc_-1.x"}

// A directory that a kill leaves must be one that Apache can read, or none.
func TestKilledWhileMakingTheChallengeDirectory(t *testing.T) {
	for at := 1; ; at++ {
		dir := t.TempDir()
		result, err := killat.Run(presenting(dir), at)
		if errors.Is(err, killat.ErrNotPermitted) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range []string{".well-known", ".well-known/acme-challenge"} {
			if info, err := os.Stat(filepath.Join(dir, made)); err == nil && info.Mode().Perm() != 0o755 {
				t.Errorf("killed before change %d, a %s: %s has mode %v", at, result.Call, made, info.Mode())
			}
		}
		w := newWebroot(dir)
		if err := errors.Join(w.Present(t.Context(), testProof), w.Withdraw(t.Context(), testProof)); err != nil {
			t.Errorf("killed before change %d, a %s: %v", at, result.Call, err)
		}
		for _, left := range []string{".tlskeeper*", ".well-known/.tlskeeper*", ".well-known/acme-challenge/*"} {
			if found, _ := filepath.Glob(filepath.Join(dir, left)); found != nil {
				t.Errorf("killed before change %d, a %s: left is %q", at, result.Call, found)
			}
		}
		if !result.Killed {
			if at < 8 {
				t.Errorf("only %d places", at-1)
			}
			return
		}
	}
}

// What a kill left unfinished goes with the proof, also where no other comes.
func TestUnfinishedDirectoryIsTakenAway(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, unfinished(".well-known")+"X"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := newWebroot(dir).Withdraw(t.Context(), testProof); err != nil {
		t.Fatal(err)
	}
	if found, _ := os.ReadDir(dir); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}

func TestChallengeDirectoryThatTheAdminClosed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("closed to whom is known of root's directories only")
	}
	dir := t.TempDir()
	closed := filepath.Join(dir, ".well-known")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	err := newWebroot(dir).Present(t.Context(), testProof)
	if err == nil || !strings.Contains(err.Error(), closed+" has mode 0700") || !strings.Contains(hint.Of(err), "chmod 755 "+closed) {
		t.Errorf("got %v (hint %q)", err, hint.Of(err))
	}
	if info, _ := os.Stat(closed); info.Mode().Perm() != 0o700 {
		t.Errorf("it was opened: %v", info.Mode())
	}
	if err := errors.Join(os.Chmod(closed, 0o750), newWebroot(dir).Present(t.Context(), testProof)); err != nil {
		t.Errorf("closed to others than its group: %v", err)
	}
}

// Two processes may want the directories at the same time.
func TestChallengeDirectoryOfSeveral(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		var all sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d"} {
			all.Go(func() {
				if err := newWebroot(dir).Present(t.Context(), Proof{Token: name, KeyAuth: name}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if found, _ := filepath.Glob(filepath.Join(dir, ".well-known", "acme-challenge", "*")); len(found) != 4 {
			t.Errorf("found %q", found)
		}
	}
}

func TestChallengeFileUnderAUmask(t *testing.T) {
	dir := t.TempDir()
	w, p := newWebroot(dir), Proof{Token: "abc_-1", KeyAuth: "abc.x"}
	if err := w.Present(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ".well-known", "acme-challenge", "abc_-1")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	if err := w.Present(t.Context(), p); err != nil {
		t.Errorf("the file of a killed run: %v", err)
	}
	if err := w.Withdraw(t.Context(), p); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestPlantedLinkIsNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, ".well-known")); err != nil {
		t.Fatal(err)
	}
	if err := newWebroot(dir).Present(t.Context(), Proof{Token: "t", KeyAuth: "x"}); err == nil {
		t.Error("a linked .well-known was followed")
	}
	other := t.TempDir()
	victim := filepath.Join(outside, "victim")
	challenges := filepath.Join(other, ".well-known", "acme-challenge")
	if err := errors.Join(os.WriteFile(victim, []byte("precious"), 0o600), os.MkdirAll(challenges, 0o755),
		os.Symlink(victim, filepath.Join(challenges, "t"))); err != nil {
		t.Fatal(err)
	}
	if err := newWebroot(other).Present(t.Context(), Proof{Token: "t", KeyAuth: "x"}); err != nil {
		t.Error(err)
	}
	if data, _ := os.ReadFile(victim); string(data) != "precious" {
		t.Errorf("the file behind a planted link is now %q", data)
	}
}
