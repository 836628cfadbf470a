package apacheconf

import (
	"os"
	"strings"
	"testing"

	"tlskeeper/apacheconf/conf"
)

// Every fault that passes `httpd -t` and kills the server at its next reload,
// standing in the admin's file already: we say in which line, and touch nothing.
func TestBrokenBeforeUs(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	r.moveCaches()
	r.start()
	for _, f := range r.faults() {
		t.Run(f.name, func(t *testing.T) {
			r := r
			if f.plain {
				r = newRig(t, "")
			}
			r.t = t
			r.brokenBeforeUs(f)
		})
	}
	r.t = t
}

func (r *rig) brokenBeforeUs(f fault) {
	t := r.t
	if f.from != "" && conf.AtLeast(r.discover().OpenSSL, f.from) {
		t.Skip("OpenSSL knows this")
	}
	good, pid := r.sites(), r.a.PID()
	defer r.writeSites(good)
	bad := r.sitesWith(f, good)
	r.writeSites(bad)
	before := r.snapshot()
	_, err := r.try(f.change())
	refused := asRefused(t, err)
	r.unchanged(before)
	r.serves("a.test", r.oldA.Leaf)
	if r.a.PID() != pid {
		t.Error("another Apache runs now")
	}
	if len(refused.Findings) == 0 || refused.Findings[0].File != r.a.SitesFile || !strings.Contains(f.line(bad, refused.Findings[0]), f.directive()) {
		t.Errorf("named %+v", refused.Findings)
	}
}

// change brings no session cache where the fault is that one was removed: ours
// would take its place, and no harm were done.
func (f fault) change() Change {
	if strings.HasPrefix(f.server, removeLine) {
		return Change{LogOnly: true}
	}
	return Change{Profile: "intermediate"}
}

// line is the text at the place of the finding; a line that is gone is named
// by its directive.
func (f fault) line(text string, found Finding) string {
	if strings.HasPrefix(f.server, removeLine) {
		return found.What
	}
	return lineOf(text, found.Line)
}

// moveCaches puts the session cache, and a stapling cache, into the sites file.
func (r *rig) moveCaches() {
	conf := strings.Replace(read(r.a.ConfigFile), sessionCacheLine+"\n", "", 1)
	must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
	r.writeSites(r.sites() + sessionCacheLine + "\n" + staplingCacheLine + "\n")
}

func lineOf(text string, n int) string {
	lines := strings.Split(text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// What httpd cannot even parse is named by its own words, with the place.
func TestSyntaxErrorIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.writeSites(r.sites() + "NoSuchDirective on\n")
	_, err := Discover(t.Context(), r.cfg)
	refused := asRefused(t, err)
	want := strings.Count(r.sites(), "\n")
	if f := refused.Findings[0]; f.File != r.a.SitesFile || f.Line != want || !strings.Contains(f.What, "NoSuchDirective") {
		t.Errorf("finding %+v, want line %d", f, want)
	}
}

func TestApacheIsNotRunning(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	before := r.snapshot()
	_, err := r.try(Change{LogOnly: true})
	if asRefused(t, err).Findings[0].Code != "not-running" {
		t.Error(err)
	}
	r.unchanged(before)
}

// A PidFile of a dead Apache, whose number a stranger has by now.
func TestStalePidFile(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	if err := os.WriteFile(r.a.PidFile, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := r.try(Change{LogOnly: true})
	asRefused(t, err)
}
