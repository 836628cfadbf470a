package apacheconf

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tlskeeper/apacheconf/plan"
)

// The include names a generation that Apache never loaded: an apply without
// any file to change loads it; the next one does nothing.
func TestApplyLoadsWhatWasNeverLoaded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, old := r.generation()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
	r.apply(change)
	next, leaf := r.generation()
	text, err := r.include("a.test", next)
	must(err)
	must(os.WriteFile(plan.SitePath(r.cfg, "a.test"), text, 0o644))
	r.serves("a.test", old)
	change.Generations["a.test"] = next
	files := r.snapshot()
	if res := r.apply(change); !res.Changed || len(res.Files) > 0 || res.Proved == 0 {
		t.Errorf("result %+v", res)
	}
	r.serves("a.test", leaf)
	r.unchanged(files)
	reloads := r.reloads()
	if res := r.apply(change); res.Changed || reloads == 0 || r.reloads() != reloads {
		t.Errorf("the second time: %+v", res)
	}
	r.unchanged(files)
}

// A configuration that would not start is refused although there is nothing to
// write, and the plan says so with its place.
func TestEmptyPlanOverABrokenConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	change := Change{LogOnly: true}
	r.apply(change)
	good := r.sites()
	for _, line := range []string{"SSLProtocol -all", "CustomLog \"|/nonexistent/prog\" common"} {
		r.writeSites(good + line + "\n")
		s, p := r.plan(change)
		if !slices.ContainsFunc(p.Blocked, func(f Finding) bool { return f.File == r.a.SitesFile && lineOf(r.sites(), f.Line) == line }) || !p.Empty() {
			t.Errorf("blocked %+v", p.Blocked)
		}
		before, reloads := r.snapshot(), r.reloads()
		_, err := s.Apply(t.Context(), p)
		if f := asRefused(t, err).Findings[0]; f.File != r.a.SitesFile || lineOf(r.sites(), f.Line) != line {
			t.Error(err)
		}
		r.unchanged(before)
		if r.reloads() != reloads {
			t.Error("it was reloaded")
		}
	}
	r.writeSites(good)
	must(r.a.Stop(t.Context()))
	_, err := r.try(change)
	if asRefused(t, err).Findings[0].Code != "not-running" {
		t.Error(err)
	}
}

// A cache that was taken out of the files by hand: status says that the next
// reload kills, and names the directive; so does an apply that has nothing to
// write, and --allow-restart does it.
func TestCacheRemovedByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first   Change
		instead string
	}{
		"known from our apply": {Change{LogOnly: true}, ""},
		"commented out":        {Change{}, "#" + sessionCacheLine},
		"never seen":           {Change{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "")
			r.apply(c.first)
			tree := read(r.a.ConfigFile)
			must(os.WriteFile(r.a.ConfigFile, []byte(strings.Replace(tree, sessionCacheLine, c.instead, 1)), 0o644))
			names := func(what string, findings []Finding) {
				t.Helper()
				i := slices.IndexFunc(findings, func(f Finding) bool { return f.Code == "cache-removal" })
				if i < 0 || len(findings) != 1 || findings[i].File != r.a.ConfigFile || !strings.Contains(findings[i].What, "SSLSessionCache") {
					t.Errorf("%s: %+v", what, findings)
				} else if name != "never seen" && strings.Contains(findings[i].What, "Stapling") || c.instead != "" && findings[i].Line == 0 {
					t.Errorf("%s names %+v", what, findings)
				}
			}
			names("status", r.status().Drift)
			_, err := r.try(c.first)
			names("apply", asRefused(t, err).Findings)
			c.first.AllowRestart = true
			if res := r.apply(c.first); !res.Restarted {
				t.Errorf("result %+v", res)
			}
			r.serves("b.test", r.oldB.Leaf)
			if drift := r.status().Drift; len(drift) > 0 {
				t.Errorf("drift %+v", drift)
			}
			if res := r.apply(c.first); res.Changed {
				t.Errorf("the second time: %+v", res)
			}
		})
	}
}
