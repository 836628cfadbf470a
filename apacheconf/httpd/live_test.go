package httpd

import (
	"os"
	"path/filepath"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// live is an Apache with one TLS virtual host, and what we know of it.
type live struct {
	t      *testing.T
	a      *apachetest.Apache
	Config Config
}

func makeLive(t *testing.T, modules ...string) *live {
	t.Helper()
	ca, err := apachetest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(t.TempDir(), apachetest.Leaf{Names: []string{"a.test"}})
	if err != nil {
		t.Fatal(err)
	}
	a := apachetest.Make(t, apachetest.Options{Modules: modules,
		VHosts: []apachetest.VHost{{Name: "a.test", CertFile: pair.CertFile, KeyFile: pair.KeyFile}}})
	return &live{t, a, Config{Binary: a.Binary, ServerRoot: a.Dir, ConfigFile: a.ConfigFile, EtcDir: filepath.Join(t.TempDir(), "etc")}}
}

func newLive(t *testing.T) *live {
	l := makeLive(t)
	l.start()
	return l
}

func (l *live) start() {
	l.t.Helper()
	l.must(l.a.Start(l.t.Context()))
}

func (l *live) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *live) discover() *Server {
	l.t.Helper()
	s, err := Inspect(l.t.Context(), l.Config)
	l.must(err)
	return s
}

func (l *live) read(path string) string {
	l.t.Helper()
	text, err := os.ReadFile(path)
	l.must(err)
	return string(text)
}

func (l *live) writeSites(text string) {
	l.t.Helper()
	l.must(os.WriteFile(l.a.SitesFile, []byte(text), 0o644))
}
