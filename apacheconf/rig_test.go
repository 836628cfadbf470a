package apacheconf

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/probe"
	"tlskeeper/templates"
)

// ourGlobal is the name of our server-level file.
const ourGlobal = "tlskeeper.conf"

// rig is a running Apache with two hosts of foreign certificates, and our own
// directories beside it.
type rig struct {
	t    testing.TB
	a    *apachetest.Apache
	ca   *apachetest.CA
	dir  string
	cfg  Config
	oldA apachetest.Pair
	oldB apachetest.Pair
	gens int
}

// newRig starts the Apache. Body goes into the first host.
func newRig(t testing.TB, body string) *rig {
	t.Helper()
	r := makeRig(t, body)
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	if err := r.a.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func makeRig(t testing.TB, body string) *rig {
	t.Helper()
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, ca: ca, dir: t.TempDir()}
	r.oldA = r.issue("old-a", apachetest.Leaf{Names: []string{"a.test", "www.a.test"}, KeyType: "rsa2048"})
	r.oldB = r.issue("old-b", apachetest.Leaf{Names: []string{"b.test"}})
	etc := filepath.Join(r.dir, "etc", "apache")
	r.a = apachetest.Make(t, apachetest.Options{
		IncludeOptional: []string{filepath.Join(etc, ourGlobal), filepath.Join(etc, "vhost-*.conf")},
		Global:          "SSLSessionCache shmcb:ssl-cache(512000)\n",
		VHosts: []apachetest.VHost{
			{Name: "a.test", Aliases: []string{"www.a.test"}, CertFile: r.oldA.CertFile, KeyFile: r.oldA.KeyFile, Body: body},
			{Name: "b.test", CertFile: r.oldB.CertFile, KeyFile: r.oldB.KeyFile},
			{Name: "a.test", Plain: true},
		}})
	r.cfg = Config{Binary: r.a.Binary, ServerRoot: r.a.Dir, ConfigFile: r.a.ConfigFile, EtcDir: etc,
		StateDir: filepath.Join(r.dir, "state"), TLSLog: filepath.Join(r.a.Dir, "logs", "tls.log")}
	if err := os.MkdirAll(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) issue(name string, leaf apachetest.Leaf) apachetest.Pair {
	r.t.Helper()
	p, err := r.ca.Issue(filepath.Join(r.dir, "certs", name), leaf)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// generation makes a new certificate for a.test, as acme would leave it.
func (r *rig) generation() (dir string, leaf *x509.Certificate) {
	r.gens++
	p := r.issue(filepath.Join("a.test", "gen", strconv.Itoa(r.gens)), apachetest.Leaf{Names: []string{"a.test", "www.a.test"}})
	return filepath.Dir(p.CertFile), p.Leaf
}

// include is the text of the site include that serves a generation.
func (r *rig) include(name, dir string) ([]byte, error) {
	return templates.Site{Name: name, CertFile: filepath.Join(dir, "fullchain.pem"), KeyFile: filepath.Join(dir, "key.pem")}.Render()
}

// reloads counts how often Apache was told to read its configuration again: it
// notes that as soon as the signal is there (AH00493, AH00171).
func (r *rig) reloads() int {
	log := read(r.a.ErrorLog)
	return strings.Count(log, "AH00493") + strings.Count(log, "AH00171")
}

func (r *rig) discover() *Server {
	r.t.Helper()
	s, err := Discover(r.t.Context(), r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *rig) plan(c Change) (*Server, *Plan) {
	r.t.Helper()
	s := r.discover()
	p, err := s.Plan(r.t.Context(), c)
	if err != nil {
		r.t.Fatal(err)
	}
	return s, p
}

func (r *rig) try(c Change) (*Result, error) {
	r.t.Helper()
	s, p := r.plan(c)
	return s.Apply(r.t.Context(), p)
}

func (r *rig) apply(c Change) *Result {
	r.t.Helper()
	res, err := r.try(c)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

// serves fails unless the name shows this leaf.
func (r *rig) serves(name string, want *x509.Certificate) {
	r.t.Helper()
	got, _, err := probe.Leaf(r.t.Context(), probe.Target{Addr: r.a.Addr(), SNI: name}, "")
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	if !got.Equal(want) {
		r.t.Fatalf("%s serves %v, want %v", name, got.SerialNumber, want.SerialNumber)
	}
}

// snapshot reads every file and link below the rig that a change may touch.
func (r *rig) snapshot() map[string]string {
	r.t.Helper()
	out := map[string]string{}
	for _, root := range []string{filepath.Join(r.dir, "etc"), r.a.ConfigFile, r.a.SitesFile} {
		err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			out[path] = info.Mode().String() + info.ModTime().String() + string(text)
			return err
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return out
}

func (r *rig) unchanged(before map[string]string) {
	r.t.Helper()
	after := r.snapshot()
	for path, was := range before {
		if after[path] != was {
			r.t.Errorf("%s changed:\n%s\n--- before ---\n%s", path, after[path], was)
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			r.t.Errorf("%s is new", path)
		}
	}
}

// edit replaces text in the sites file, as an admin would.
func (r *rig) writeSites(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.a.SitesFile, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) sites() string {
	r.t.Helper()
	text, err := os.ReadFile(r.a.SitesFile)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

func asRefused(t testing.TB, err error) *RefusedError {
	t.Helper()
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok {
		t.Fatalf("error = %v, want *RefusedError", err)
	}
	return refused
}

func background() context.Context { return context.Background() }
