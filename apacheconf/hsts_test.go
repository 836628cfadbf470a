package apacheconf

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/filechange"
)

// Who asks for two years gets five minutes first; nobody skips a step, and each
// holds for as long as browsers were told to remember it.
func TestHSTSStep(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		have  string
		since time.Duration // ago
		want  string
		step  string
		next  time.Duration // from now; 0: the goal is reached
	}{
		{"", 0, "off", "off", 0},
		{"off", 0, "5m", "5m", 0},
		{"off", 0, "2y", "5m", 5 * time.Minute},
		{"5m", time.Minute, "2y", "5m", 4 * time.Minute},
		{"5m", 5 * time.Minute, "2y", "1w", 7 * 24 * time.Hour},
		{"1w", 6 * 24 * time.Hour, "6mo", "1w", 24 * time.Hour},
		{"1w", 8 * 24 * time.Hour, "6mo", "6mo", 0},
		{"6mo", time.Hour, "2y", "2y", 0},
		{"2y", time.Hour, "2y", "2y", 0},
		{"2y", time.Hour, "off", "off", 0},
		{"1w", time.Second, "5m", "5m", 0},
	} {
		step, next := hstsStep(c.have, now.Add(-c.since), c.want, now)
		if step != c.step || c.next == 0 != next.IsZero() || c.next > 0 && !next.Equal(now.Add(c.next)) {
			t.Errorf("%s for %v, asked for %s: %s, next %v; want %s, %v", c.have, c.since, c.want, step, next, c.step, c.next)
		}
	}
}

// The ramp on a real server: once in the answer, never on plain HTTP, and the
// second apply changes nothing until its time has come.
func TestHSTSRamp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	change := Change{Profile: "intermediate", HSTS: "2y"}
	_, p := r.plan(change)
	if !slices.ContainsFunc(p.Warnings, func(f conf.Finding) bool { return f.Code == "hsts-ramp" }) {
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
	m, err := loadManifest(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	m.HSTSSince = m.HSTSSince.Add(-by)
	text, err := json.Marshal(m)
	must(err)
	must(filechange.Put(manifestPath(r.cfg), &filechange.State{Data: text, Mode: 0o600, UID: -1, GID: -1}))
}
