package probe

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// found are log, source and verdict of the SCTs of the only certificate.
func verdicts(t testing.TB, r *Report) []string {
	t.Helper()
	if len(r.Certificates) != 1 {
		t.Fatalf("%d certificates", len(r.Certificates))
	}
	var all []string
	for _, s := range r.Certificates[0].SCTs {
		all = append(all, s.Log+" "+s.Source+" "+s.Verified)
	}
	return all
}

func TestSCTsInTheCertificate(t *testing.T) {
	pki, a, b := newTestPKI(t), newTestLog(t, "A"), newTestLog(t, "B")
	now := time.Now()
	list := logList(t, now, "usable", now.AddDate(-1, 0, 0), a, b)
	config := &tls.Config{Certificates: []tls.Certificate{pki.leafWithSCTs(t, now.Add(-time.Minute), a, b)}}
	r := scan(t, pki.target(t, config, list))
	if diff := cmp.Diff([]string{"A's log certificate valid", "B's log certificate valid"}, verdicts(t, r)); diff != "" {
		t.Error(diff, r.Certificates[0].SCTs)
	}
	if p := r.Certificates[0].CT; p.Met != policyMet || p.Need != 2 || p.Valid != 2 || p.Operators != 2 || p.Stale {
		t.Errorf("policy %+v", p)
	}
}

// Without the issuer nothing can be said of an embedded SCT: its key is part
// of what the log signed.
func TestSCTsOfACertificateWithoutItsIssuer(t *testing.T) {
	pki, a := newTestPKI(t), newTestLog(t, "A")
	now := time.Now()
	config := &tls.Config{Certificates: []tls.Certificate{pki.leafWithSCTs(t, now.Add(-time.Minute), a)}}
	target := pki.target(t, config, logList(t, now, "usable", now, a))
	target.Roots = newTestPKI(t).roots
	r := scan(t, target)
	if diff := cmp.Diff([]string{"A's log certificate unchecked"}, verdicts(t, r)); diff != "" {
		t.Error(diff)
	}
	if r.Certificates[0].CT.Met != policyUnclear {
		t.Errorf("policy %+v", r.Certificates[0].CT)
	}
}

func TestSCTsInTheHandshake(t *testing.T) {
	pki, a, b, stranger := newTestPKI(t), newTestLog(t, "A"), newTestLog(t, "B"), newTestLog(t, "C")
	now := time.Now()
	leaf := pki.leaf(t, nil)
	broken := b.sign(t, finalEntry(leaf.Leaf), now.Add(-time.Minute))
	broken[len(broken)-1] ^= 1
	leaf.SignedCertificateTimestamps = [][]byte{
		a.sign(t, finalEntry(leaf.Leaf), now.Add(-time.Minute)), broken,
		stranger.sign(t, finalEntry(leaf.Leaf), now.Add(-time.Minute)),
		a.sign(t, finalEntry(leaf.Leaf), now.Add(time.Hour)), {1, 2, 3},
	}
	want := []string{"A's log tls valid", "B's log tls invalid", " tls unknown_log", "A's log tls invalid", " tls invalid"}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: version, MaxVersion: version}
		r := scan(t, pki.target(t, config, logList(t, now, "usable", now, a, b)))
		if diff := cmp.Diff(want, verdicts(t, r)); diff != "" {
			t.Errorf("%s: %s", tls.VersionName(version), diff)
		}
	}
}

// An SCT is for one certificate and one way of delivery only.
func TestSCTOfAnotherCertificate(t *testing.T) {
	pki, a := newTestPKI(t), newTestLog(t, "A")
	now := time.Now()
	leaf := pki.leaf(t, nil)
	leaf.SignedCertificateTimestamps = [][]byte{
		a.sign(t, finalEntry(pki.leaf(t, nil).Leaf), now.Add(-time.Minute)),
		a.sign(t, pki.precert(leaf.Leaf), now.Add(-time.Minute)),
	}
	config := &tls.Config{Certificates: []tls.Certificate{leaf}}
	r := scan(t, pki.target(t, config, logList(t, now, "usable", now, a)))
	if diff := cmp.Diff([]string{"A's log tls invalid", "A's log tls invalid"}, verdicts(t, r)); diff != "" {
		t.Error(diff)
	}
}

// The log list of the program knows none of these logs; whether that is held
// against the certificate depends on the age of the list alone.
func TestUnknownLogsByTheAgeOfTheList(t *testing.T) {
	pki, a, known := newTestPKI(t), newTestLog(t, "A"), newTestLog(t, "B")
	now := time.Now()
	config := &tls.Config{Certificates: []tls.Certificate{pki.leafWithSCTs(t, now.Add(-time.Minute), a)}}
	for age, want := range map[time.Duration]string{
		staleAfter - time.Hour: policyNotMet,
		staleAfter + time.Hour: policyUnclear,
	} {
		r := scan(t, pki.target(t, config, logList(t, now.Add(-age), "usable", now, known)))
		c := r.Certificates[0]
		if c.SCTs[0].Verified != sctUnknownLog || c.CT.Met != want {
			t.Errorf("list %v old: %+v, policy %+v", age, c.SCTs, c.CT)
		}
		findings := r.Check(Profile{Name: "any"})
		if has := hasFinding(findings, "sct"); has != (want == policyNotMet) {
			t.Errorf("list %v old: findings %+v", age, findings)
		}
	}
}

func hasFinding(all []Finding, id string) bool {
	for _, f := range all {
		if f.ID == id {
			return true
		}
	}
	return false
}

func TestPolicyOfChrome(t *testing.T) {
	day := 24 * time.Hour
	sct := func(log, operator, source, state string) SCT {
		return SCT{LogID: log, Operator: operator, Source: source, LogState: state, Verified: sctValid, counts: true}
	}
	late := sct("1", "A", sctInCertificate, "retired")
	late.counts = false
	for name, c := range map[string]struct {
		lifetime time.Duration
		scts     []SCT
		want     string
	}{
		"two of two operators":   {90 * day, []SCT{sct("1", "A", sctInCertificate, ""), sct("2", "B", sctInCertificate, "")}, policyMet},
		"two of one operator":    {90 * day, []SCT{sct("1", "A", sctInCertificate, ""), sct("2", "A", sctInCertificate, "")}, policyNotMet},
		"one log twice":          {90 * day, []SCT{sct("1", "A", sctInCertificate, ""), sct("1", "A", sctInCertificate, "")}, policyNotMet},
		"two for 181 days":       {181 * day, []SCT{sct("1", "A", sctInCertificate, ""), sct("2", "B", sctInCertificate, "")}, policyNotMet},
		"three for 181 days":     {181 * day, []SCT{sct("1", "A", sctInCertificate, ""), sct("2", "B", sctInCertificate, ""), sct("3", "B", sctInCertificate, "")}, policyMet},
		"by TLS and OCSP":        {398 * day, []SCT{sct("1", "A", sctInTLS, ""), sct("2", "B", sctInOCSP, "")}, policyMet},
		"one each way":           {90 * day, []SCT{sct("1", "A", sctInTLS, ""), sct("2", "B", sctInCertificate, "")}, policyNotMet},
		"all logs retired":       {90 * day, []SCT{sct("1", "A", sctInCertificate, "retired"), sct("2", "B", sctInCertificate, "retired")}, policyNotMet},
		"one log retired":        {90 * day, []SCT{sct("1", "A", sctInCertificate, "retired"), sct("2", "B", sctInCertificate, "usable")}, policyMet},
		"given after retirement": {90 * day, []SCT{late, sct("2", "B", sctInCertificate, "usable")}, policyNotMet},
		"retired by TLS":         {90 * day, []SCT{sct("1", "A", sctInTLS, "retired"), sct("2", "B", sctInTLS, "usable")}, policyNotMet},
	} {
		if got := newCTPolicy(c.scts, c.lifetime, time.Now(), false); got.Met != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

func TestShippedListOfLogs(t *testing.T) {
	list, err := ShippedLogs()
	if err != nil {
		t.Fatal(err)
	}
	operators := map[string]bool{}
	for _, l := range list.logs {
		if _, err := l.verifier(); err != nil {
			t.Errorf("%s: %v", l.name, err)
		}
		if l.state == "" || l.since.IsZero() || l.since.After(list.Date) {
			t.Errorf("%s: state %q since %v, list of %v", l.name, l.state, l.since, list.Date)
		}
		operators[l.operator] = true
	}
	if len(list.logs) < 60 || len(operators) < 8 {
		t.Errorf("%d logs of %d operators", len(list.logs), len(operators))
	}
}

func TestListsOfLogsThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        "<html>",
		"empty":          "{}",
		"no date":        `{"operators":[{"name":"A","logs":[{"log_id":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","key":""}]}]}`,
		"key and id":     `{"log_list_timestamp":"2026-01-01T00:00:00Z","operators":[{"name":"A","logs":[{"log_id":"AAAA","key":"AAAA"}]}]}`,
		"no logs at all": `{"log_list_timestamp":"2026-01-01T00:00:00Z","operators":[{"name":"A","logs":[]}]}`,
	} {
		if list, err := ParseLogList([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, list)
		}
	}
}
