package acme

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
	"tlskeeper/internal/testenv/killat"
)

// snapshot lists every file below dir with its bytes.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		b.WriteString(path + "\n" + string(data) + "\n")
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return b.String()
}

func TestRehearsalLeavesNothing(t *testing.T) {
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	for name, blocked := range map[string][]string{"that works": nil, "that fails": {"example.org"}} {
		t.Run(name, func(t *testing.T) {
			proxy := new(acmetest.Proxy)
			h := newHost(t, acmetest.Options{AuthzReuse: 100, Intercept: proxy.Intercept})
			other := Request{Name: "other", Names: []string{"other.example.net"}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: h.webroot}}
			if _, err := h.client(t).Issue(testContext(t), other, IssueOptions{}); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, h.dir)
			c, done, err := Rehearse(h.config())
			if err != nil {
				t.Fatal(err)
			}
			r := h.request()
			if blocked != nil {
				r.Challenge.Webroot = t.TempDir()
			}
			if _, err = c.Try(testContext(t), r); (err != nil) != (blocked != nil) {
				t.Fatal(err)
			}
			done()
			if after := snapshot(t, h.dir); after != before {
				t.Errorf("the store was\n%s\nand is\n%s", before, after)
			}
			if left, _ := filepath.Glob(filepath.Join(scratch, "tlskeeper-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if got := h.ca.Accounts(); got != 1 {
				t.Errorf("%d accounts: the one that there is should have been used", got)
			}
			if found := litter(t, filepath.Dir(h.dir)); found != nil {
				t.Errorf("litter: %q", found)
			}
			// What was proven in the rehearsal does not count: every name is
			// validated again, although the CA reuses all valid proofs.
			if blocked == nil {
				validated := proxy.Seen(acmetest.Challenge)
				if _, err := h.client(t).Issue(testContext(t), h.request(), IssueOptions{}); err != nil {
					t.Fatal(err)
				}
				if got := proxy.Seen(acmetest.Challenge) - validated; got != 2 {
					t.Errorf("%d names were validated after the rehearsal, want 2", got)
				}
			}
		})
	}
}

// TestKilledInARehearsal: the next run, a dry one or a real one, takes away the
// copies of the account's key and what was presented.
func TestKilledInARehearsal(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	h := newHost(t, acmetest.Options{})
	h.renew(t, victimOf(h, "first"))
	before := snapshot(t, h.dir)
	next := map[string]func(){
		"a dry run": func() {
			_, done, err := Rehearse(h.config())
			if err != nil {
				t.Fatal(err)
			}
			done()
		},
		"a real run": func() { h.renew(t, victimOf(h, "first")) },
	}
	stride := 12
	if soak() {
		stride = 1
	}
	for name, next := range next {
		run(t, killedRun{Config: h.config(), Request: h.request(), Rehearses: true, Step: "presented"}, true)
		for at := 3; ; at += stride {
			result, err := killat.Run(childCommand(t, killedRun{Config: h.config(), Request: h.request(), Rehearses: true}), at)
			if errors.Is(err, killat.ErrNotPermitted) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			checkTree(t, h.dir)
			next()
			if after := snapshot(t, h.dir); after != before {
				t.Errorf("%s after a kill before change %d, a %s: the store was\n%s\nand is\n%s", name, at, result.Call, before, after)
			}
			found, _ := filepath.Glob(filepath.Join(h.webroot, ".well-known", "acme-challenge", "*"))
			other, _ := os.ReadDir(os.TempDir())
			if entries, _ := filepath.Glob(filepath.Join(h.dir, "rehearsal*")); len(found)+len(entries)+len(other) > 0 {
				t.Errorf("%s after a kill before change %d, a %s: left %q %q %v", name, at, result.Call, found, entries, other)
			}
			if !result.Killed {
				break
			}
		}
	}
}

func victimOf(h host, name string) Request {
	r := h.request()
	r.Name, r.Names = name, []string{name + ".example.net"}
	return r
}

// TestRehearsalUnderWay is left alone by others; a host without a store is
// without one afterwards.
func TestRehearsalUnderWay(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	h.dir = filepath.Join(h.dir, "var", "lib", "acme")
	c, done, err := Rehearse(h.config())
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := Rehearse(h.config())
	if err != nil {
		t.Fatal(err)
	}
	if err := Settle(testContext(t), store.Open(h.dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Try(testContext(t), h.request()); err != nil {
		t.Error(err)
	}
	second()
	done()
	if _, err := os.Stat(filepath.Join(h.dir, "..", "..")); err == nil {
		t.Errorf("made for good:\n%s", snapshot(t, filepath.Dir(h.webroot)))
	}
}
