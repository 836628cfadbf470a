package status

import (
	"fmt"
	"time"
)

// Severity orders findings; the zero value is no finding at all.
type Severity string

const (
	OK   Severity = "ok"
	Warn Severity = "warn"
	Fail Severity = "fail"
)

// Finding is one thing a person should look at.
type Finding struct {
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // "certificate www.example.org", "agent", ...
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"` // what to type next
}

// The rule of the operator is that staleness raises the alarm, not the single
// error: a failed attempt that the next hour repairs is no news.
const (
	// runEvery is how long after its last run a renewal counts as not running
	// at all. The timer wakes hourly; a cron job once a day is allowed too.
	runEvery = 26 * time.Hour
	// deployGrace is how long a new generation may wait for its handshake:
	// renew tries again at every wake-up.
	deployGrace = 3 * time.Hour
	// shipLate is how old the last success may be while lines are waiting.
	shipLate = time.Hour
	// missedBeats is how many heartbeats an agent may miss before it is dead.
	missedBeats = 4
	// pausedLong is how long nothing may be stored: a prune or an import of another
	// process is over in less.
	pausedLong = 10 * time.Second
	// nearlyFull is the share of the database's limit, in percent, that is news.
	nearlyFull = 80
)

// Findings judges a state at now. It is pure.
func (s State) Findings(now time.Time) []Finding {
	var found []Finding
	for _, c := range s.Certificates {
		found = append(found, c.findings(now)...)
	}
	if s.Server != "" {
		found = append(found, Finding{Fail, "apache", s.Server, "tlskeeper apache status"})
	}
	if age := now.Sub(s.WrittenAt); len(s.Certificates) > 0 && age > runEvery {
		found = append(found, Finding{Warn, "renewal", "last run " + Ago(age) + " ago",
			"systemctl status tlskeeper-renew.timer"})
	}
	return found
}

func (c Certificate) findings(now time.Time) []Finding {
	var found []Finding
	add := func(sev Severity, hint, format string, args ...any) {
		found = append(found, Finding{sev, "certificate " + c.Name, fmt.Sprintf(format, args...), hint})
	}
	if c.Generation == 0 {
		add(Fail, "tlskeeper issue "+c.Name, "never issued%s", c.because())
		return found
	}
	if c.Revoked {
		add(Fail, "tlskeeper renew", "generation %d is revoked, and browsers may refuse it%s", c.Generation, c.because())
	}
	c.judgeExpiry(now, add)
	c.judgeDeployment(now, add)
	return found
}

func (c Certificate) judgeDeployment(now time.Time, add func(Severity, string, string, ...any)) {
	sev, hint := Warn, "tlskeeper renew tries again"
	if now.Sub(c.NotBefore) > deployGrace {
		sev = Fail
	}
	switch {
	case c.KeyElsewhere && c.DeployError != "":
		add(sev, hint, "generation %d is issued but not handed over: %s", c.Generation, c.DeployError)
	case !c.KeyElsewhere && c.DeployedAt.IsZero():
		hint += "; tlskeeper apache adopt " + c.Name + " where the virtual host has a certificate of its own"
		add(sev, hint, "generation %d is issued but not deployed%s", c.Generation, reason(c.DeployError))
	}
}

// judgeExpiry measures by the certificate's own lifetime, so that one rule fits
// 90 days and 6: overdue is a twelfth of it past the planned renewal (a week of
// 90 days), near is a sixth of it left (15 days of 90, one day of 6).
func (c Certificate) judgeExpiry(now time.Time, add func(Severity, string, string, ...any)) {
	left, lifetime := c.NotAfter.Sub(now), c.NotAfter.Sub(c.NotBefore)
	renew := "tlskeeper renew -v"
	switch {
	case left <= 0:
		add(Fail, renew, "expired %s ago%s", Ago(-left), c.because())
	case left < lifetime/6:
		add(Fail, renew, "expires in %s%s", Ago(left), c.because())
	case !c.RenewAt.IsZero() && now.Sub(c.RenewAt) > lifetime/12:
		add(Warn, renew, "renewal was due %s ago%s", Ago(now.Sub(c.RenewAt)), c.because())
	}
}

func (c Certificate) because() string { return reason(c.LastError) }

func reason(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// Findings judges an agent at now. It is pure.
func (a Agent) Findings(now time.Time) []Finding {
	var found []Finding
	add := func(sev Severity, hint, format string, args ...any) {
		found = append(found, Finding{sev, "agent", fmt.Sprintf(format, args...), hint})
	}
	switch {
	case a.PID == 0:
		add(Fail, "systemctl start tlskeeper", "stopped %s ago", Ago(now.Sub(a.WrittenAt)))
	case now.Sub(a.WrittenAt) > missedBeats*heartbeat:
		add(Fail, "systemctl status tlskeeper", "last sign of life %s ago", Ago(now.Sub(a.WrittenAt)))
	}
	if !a.PausedSince.IsZero() && a.PID != 0 && now.Sub(a.PausedSince) > pausedLong {
		add(Fail, "journalctl -u tlskeeper; the lines wait in the log until logrotate deletes it",
			"nothing is stored for %s: %s", Ago(now.Sub(a.PausedSince)), a.PausedWhy)
	}
	a.judgeSize(add)
	if since := latest(a.LastShipAt, a.StartedAt); a.Destination != "" && a.Backlog > 0 && now.Sub(since) > shipLate {
		late := "nothing shipped for " + Ago(now.Sub(since))
		if since.IsZero() {
			late = "nothing was ever shipped"
		}
		add(Fail, "journalctl -u tlskeeper", "%d lines wait, %s%s", a.Backlog, late, a.because())
	}
	if a.Rejected > 0 {
		add(Warn, "journalctl -u tlskeeper", "CloudWatch refused %d lines as too old or too new; they are kept here", a.Rejected)
	}
	return found
}

func (a Agent) judgeSize(add func(Severity, string, string, ...any)) {
	const hint = "raise max_size in [agent], or lower retention_days"
	share := int64(0)
	if a.DatabaseMost > 0 {
		share = a.DatabaseBytes / max(1, a.DatabaseMost/100)
	}
	switch {
	case a.Pruned > 0:
		add(Warn, hint, "the oldest %d lines were deleted since %s to keep the database below max_size",
			a.Pruned, a.StartedAt.Local().Format(time.DateTime))
	case share >= nearlyFull:
		add(Warn, hint, "the database has reached %d %% of what max_size allows; at 95 %% the oldest lines are deleted", share)
	}
}

func (a Agent) because() string { return reason(a.LastError) }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Ago says a duration the way people do, in its largest unit.
func Ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
