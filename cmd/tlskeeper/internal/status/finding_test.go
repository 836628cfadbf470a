package status

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const days = 24 * time.Hour

// certificate is one of 90 days, issued so that left remains of it.
func certificate(left time.Duration) Certificate {
	c := Certificate{Name: "a.org", Generation: 2, NotAfter: now.Add(left)}
	c.NotBefore = c.NotAfter.Add(-90 * days)
	c.RenewAt = c.NotBefore.Add(60 * days)
	c.DeployedAt = c.NotBefore.Add(time.Hour)
	return c
}

func TestCertificateFindings(t *testing.T) {
	undeployed := certificate(90*days - time.Hour)
	undeployed.DeployedAt, undeployed.DeployError = time.Time{}, "no vhost"
	forgotten := certificate(80 * days)
	forgotten.DeployedAt = time.Time{}
	revoked := certificate(80 * days)
	revoked.Revoked = true
	short := Certificate{Name: "a.org", Generation: 1, NotBefore: now.Add(-5 * days), NotAfter: now.Add(1*days + time.Hour), RenewAt: now, DeployedAt: now}
	for name, c := range map[string]struct {
		cert Certificate
		want string // "" or severity and words
	}{
		"fresh":             {certificate(80 * days), ""},
		"due today":         {certificate(30 * days), ""},
		"renewal overdue":   {certificate(20 * days), "warn renewal was due"},
		"near the end":      {certificate(14 * days), "fail expires in 14 days"},
		"expired":           {certificate(-time.Hour), "fail expired 60 min ago"},
		"just issued":       {undeployed, "warn generation 2 is issued but not deployed: no vhost"},
		"waits too long":    {forgotten, "fail generation 2 is issued but not deployed"},
		"six days, one due": {short, ""},
		"revoked":           {revoked, "fail generation 2 is revoked"},
		"never issued":      {Certificate{Name: "a.org"}, "fail never issued"},
	} {
		got := ""
		for _, f := range (State{WrittenAt: now, Certificates: []Certificate{c.cert}}).Findings(now) {
			got += string(f.Severity) + " " + f.Message
		}
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestRenewalThatDoesNotRun(t *testing.T) {
	s := State{WrittenAt: now.Add(-3 * days), Certificates: []Certificate{certificate(80 * days)}}
	if f := s.Findings(now); len(f) != 1 || f[0].Subject != "renewal" {
		t.Errorf("got %v", f)
	}
}

func TestAgentFindings(t *testing.T) {
	good := Agent{PID: 7, StartedAt: now.Add(-days), WrittenAt: now.Add(-20 * time.Second), Destination: "g/s", LastShipAt: now.Add(-5 * time.Hour)}
	change := func(f func(*Agent)) Agent { a := good; f(&a); return a }
	for name, c := range map[string]struct {
		agent Agent
		want  string
	}{
		"idle, nothing waits":     {good, ""},
		"waits a little":          {change(func(a *Agent) { a.Backlog = 5; a.LastShipAt = now.Add(-time.Minute) }), ""},
		"just started":            {change(func(a *Agent) { a.Backlog = 5; a.StartedAt = now.Add(-time.Minute) }), ""},
		"outage":                  {change(func(a *Agent) { a.Backlog = 5; a.LastError = "throttled" }), "fail 5 lines wait, nothing shipped for 5 h: throttled"},
		"local only, no shipping": {change(func(a *Agent) { a.Backlog = 5; a.Destination = "" }), ""},
		"killed":                  {change(func(a *Agent) { a.WrittenAt = now.Add(-10 * time.Minute) }), "fail last sign of life 10 min ago"},
		"stopped":                 {change(func(a *Agent) { a.PID = 0 }), "fail stopped"},
		"paused a moment":         {change(func(a *Agent) { a.PausedSince = now.Add(-5 * time.Second); a.PausedWhy = "locked" }), ""},
		"paused":                  {change(func(a *Agent) { a.PausedSince = now.Add(-30 * time.Second); a.PausedWhy = "locked" }), "fail nothing is stored for 30 s: locked"},
		"paused, then stopped":    {change(func(a *Agent) { a.PausedSince = now.Add(-time.Hour); a.PID = 0 }), "fail stopped"},
		"half full":               {change(func(a *Agent) { a.DatabaseBytes = 4 << 30; a.DatabaseMost = 8 << 30 }), ""},
		"without a limit":         {change(func(a *Agent) { a.DatabaseBytes = 4 << 30 }), ""},
		"nearly full":             {change(func(a *Agent) { a.DatabaseBytes = 7 << 30; a.DatabaseMost = 8 << 30 }), "warn the database has reached 87 %"},
		"lines were deleted":      {change(func(a *Agent) { a.DatabaseBytes = 1; a.DatabaseMost = 8 << 30; a.Pruned = 9 }), "warn the oldest 9 lines were deleted"},
		"refused":                 {change(func(a *Agent) { a.Rejected = 2 }), "warn CloudWatch refused 2 lines"},
	} {
		got := ""
		for _, f := range c.agent.Findings(now) {
			got += string(f.Severity) + " " + f.Message
		}
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestStateRoundTrip(t *testing.T) {
	acme := filepath.Join(t.TempDir(), "acme")
	path := StatePath(acme)
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before the first run: %v", err)
	}
	want := State{WrittenAt: now, Certificates: []Certificate{certificate(80 * days)}}
	if err := Write(path, want); err != nil {
		t.Fatal(err)
	}
	want.Version = Version
	got, err := Read(path)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v: status needs no root", info.Mode())
	}
}

func TestStateOfANewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte(`{"version": 99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("got %v", err)
	}
}

func TestStateThatIsRubbish(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte(`{"version": `), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestConfiguredButNeverIssued(t *testing.T) {
	dir := t.TempDir()
	r, err := Look(filepath.Join(dir, "acme"), filepath.Join(dir, "log"), []string{"a.org"}, now)
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Severity != Fail || r.State != nil || r.Agent != nil {
		t.Errorf("got %+v, %v", r, err)
	}
}

// The log's directory is closed to ordinary users, and status is for them too.
func TestAgentThatOthersMayNotRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "log"), 0); err != nil {
		t.Fatal(err)
	}
	r, err := Look(filepath.Join(dir, "acme"), filepath.Join(dir, "log"), nil, now)
	if err != nil || !r.AgentHidden {
		t.Errorf("got %+v, %v", r, err)
	}
}

// What the configuration does not have is renewed by nobody, and says so; what
// was only tried leaves nothing to watch.
func TestNotInTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	stray := certificate(80 * days)
	stray.Names, stray.Revoked = []string{"a.org", "www.a.org"}, true
	s := State{WrittenAt: now, Certificates: []Certificate{stray, {Name: "typo.org", LastError: "unknown key type"}}}
	if err := Write(StatePath(filepath.Join(dir, "acme")), s); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		wanted []string
		want   string
	}{
		{[]string{}, "generation 2 is revoked|tlskeeper issue --cert-name a.org -d a.org -d www.a.org -w DIR; not in the configuration"},
		{[]string{"a.org"}, "generation 2 is revoked|tlskeeper renew"},
		{nil, "generation 2 is revoked|tlskeeper renew"},
	} {
		r, err := Look(filepath.Join(dir, "acme"), filepath.Join(dir, "log"), c.wanted, now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Findings {
			message, _, _ := strings.Cut(f.Message, ",")
			message, _, _ = strings.Cut(message, ": nothing")
			if f.Subject != "certificate a.org" && c.wanted != nil {
				t.Errorf("wanted %q: a finding about %s", c.wanted, f.Subject)
			}
			if f.Subject == "certificate a.org" {
				if f.Severity == Fail {
					message += "|" + f.Hint
				}
				got = append(got, message)
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("wanted %q: %q, want %q", c.wanted, got, c.want)
		}
	}
}
