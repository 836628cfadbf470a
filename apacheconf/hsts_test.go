package apacheconf

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/filechange"
)

// The ramp on a real server: once in the answer, never on plain HTTP, and the
// second apply changes nothing until its time has come.
func TestHSTSRamp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	change := Change{Profile: "intermediate", HSTS: "2y"}
	_, p := r.plan(change)
	if !slices.ContainsFunc(p.Warnings, func(f Finding) bool { return f.Code == "hsts-ramp" }) {
		t.Errorf("warnings %+v", p.Warnings)
	}
	r.apply(change)
	if got := requestHTTPS(t, r).Values("Strict-Transport-Security"); !slices.Equal(got, []string{"max-age=300"}) {
		t.Errorf("HSTS %q", got)
	}
	if r.apply(change).Changed {
		t.Error("the second apply went on at once")
	}
	r.backdate(10 * time.Minute)
	if !r.apply(change).Changed || hstsOf(t, r) != "max-age=604800" {
		t.Errorf("after ten minutes: %q", hstsOf(t, r))
	}
	r.backdate(8 * 24 * time.Hour)
	if !r.apply(change).Changed || hstsOf(t, r) != "max-age=63072000" {
		t.Errorf("after eight days: %q", hstsOf(t, r))
	}
}

// backdate moves the last step of the ramp into the past.
func (r *rig) backdate(by time.Duration) {
	r.t.Helper()
	m, err := plan.Installed(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	m.HSTSSince = m.HSTSSince.Add(-by)
	text, err := json.Marshal(m)
	must(err)
	must(filechange.Put(plan.ManifestPath(r.cfg), &filechange.State{Data: text, Mode: 0o600, UID: -1, GID: -1}))
}
