package probe

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"
)

// guideVersion is the SSL Server Rating Guide that grades follow: Qualys SSL
// Labs, 2009r of 2025-05-16, github.com/ssllabs/research/wiki/SSL-Server-Rating-Guide.
const guideVersion = "2009r"

// Grade is a grade by the guide, and why it is not better.
type Grade struct {
	Letter      string   `json:"letter"` // A+, A, A-, B to F; T untrusted, M name mismatch; or "unknown"
	Score       int      `json:"score"`  // 0 to 100, before any cap
	Protocol    int      `json:"protocol"`
	KeyExchange int      `json:"key_exchange"`
	Cipher      int      `json:"cipher"`
	Reasons     []string `json:"reasons"`
}

// letters are the grades from best to worst; T and M stand apart.
var letters = []string{"A+", "A", "A-", "B", "C", "D", "E", "F"}

// grade sets both grades of the report. There is none while something is open
// that decides it: what is not known could make it worse.
func (r *Report) grade() {
	if !r.Graded() {
		r.Grade = Grade{Letter: answerUnknown, Reasons: []string{"no grade: what decides it is not known"}}
		r.GradeTrusted = r.Grade
		return
	}
	r.GradeTrusted = r.gradeIgnoringTrust()
	r.Grade = r.GradeTrusted
	r.Grade.Reasons = slices.Clone(r.Grade.Reasons)
	for _, c := range r.Certificates {
		for letter, reason := range c.distrust() {
			r.Grade.Letter = letter
			r.Grade.Reasons = append([]string{letter + ": " + reason}, r.Grade.Reasons...)
		}
	}
	if len(r.Certificates) == 0 {
		r.Grade.Letter = "T"
		r.Grade.Reasons = append([]string{"T: no certificate was seen"}, r.Grade.Reasons...)
	}
}

// distrust yields the letters that replace the grade: M for a name that does
// not match, T for a chain that is not trusted. T, which comes last, wins.
func (c *Certificate) distrust() func(yield func(letter, reason string) bool) {
	return func(yield func(letter, reason string) bool) {
		if !c.NameMatches && !yield("M", "the certificate is for "+few(c.Names)) {
			return
		}
		switch {
		case !c.Trusted && !c.Incomplete:
			yield("T", "not trusted: "+c.TrustError)
		case c.Staple != nil && c.Staple.Status == stapleRevoked:
			yield("T", "revoked on "+c.Staple.RevokedAt.Format(time.DateOnly))
		case strings.Contains(c.Signature, "SHA1"):
			yield("T", "certificate signed with "+c.Signature)
		}
	}
}

// gradeIgnoringTrust scores the report and applies every rule of gradeRules.
func (r *Report) gradeIgnoringTrust() Grade {
	g := Grade{Protocol: r.protocolScore(), KeyExchange: r.keyExchangeScore(), Cipher: r.cipherScore(), Reasons: []string{}}
	if g.Protocol > 0 && g.KeyExchange > 0 && g.Cipher > 0 {
		g.Score = (30*g.Protocol + 30*g.KeyExchange + 40*g.Cipher) / 100
	}
	g.Letter = letterOf(g.Score)
	if g.Letter != "A" {
		g.Reasons = append(g.Reasons, fmt.Sprintf("%s: score %d", g.Letter, g.Score))
	}
	worst := g.Letter
	for _, rule := range gradeRules {
		why := rule.applies(r)
		if why == "" {
			continue
		}
		g.Reasons = append(g.Reasons, rule.cap+": "+why)
		worst = worseOf(worst, rule.cap)
	}
	if worst == "A" && longHSTS(r) {
		worst = "A+"
	} else if worst == "A" {
		g.Reasons = append(g.Reasons, "A: no HSTS of six months or more, which A+ needs")
	}
	g.Letter = worst
	return g
}

// letterOf is table 1 of the guide.
func letterOf(score int) string {
	for _, step := range []struct {
		min    int
		letter string
	}{{80, "A"}, {65, "B"}, {50, "C"}, {35, "D"}, {20, "E"}} {
		if score >= step.min {
			return step.letter
		}
	}
	return "F"
}

func worseOf(a, b string) string {
	return letters[max(slices.Index(letters, a), slices.Index(letters, b))]
}

// protocolScores are table 3 of the guide; TLS 1.3 counts as TLS 1.2 does.
var protocolScores = map[Code]int{
	versionSSL30: 80, tls.VersionTLS10: 90, tls.VersionTLS11: 95, tls.VersionTLS12: 100, tls.VersionTLS13: 100,
}

// protocolScore is the mean of the best and the worst version.
func (r *Report) protocolScore() int {
	var scores []int
	for _, v := range r.Versions {
		if v.Supported {
			scores = append(scores, protocolScores[v.Code])
		}
	}
	return meanOfExtremes(scores)
}

// cipherScore is the mean of the strongest and the weakest suite (table 5).
func (r *Report) cipherScore() int {
	var scores []int
	for _, s := range r.suites {
		switch {
		case s.Bits >= 256:
			scores = append(scores, 100)
		case s.Bits >= 128:
			scores = append(scores, 80)
		case s.Bits > 0:
			scores = append(scores, 20)
		default:
			scores = append(scores, 0)
		}
	}
	return meanOfExtremes(scores)
}

func meanOfExtremes(scores []int) int {
	if len(scores) == 0 {
		return 0
	}
	return (slices.Max(scores) + slices.Min(scores)) / 2
}

// keyExchangeScore is that of the weakest key or parameter (table 4).
func (r *Report) keyExchangeScore() int {
	score := 100
	for _, c := range r.Certificates {
		score = min(score, keyScore(c.Key, c.KeyBits))
	}
	if r.DHBits > 0 {
		score = min(score, keyScore("DH", r.DHBits))
	}
	for _, g := range r.Groups {
		kind := "EC"
		if strings.HasPrefix(g.Name, "ffdhe") {
			kind = "DH"
		}
		score = min(score, keyScore(kind, g.Bits))
	}
	for _, s := range r.suites {
		switch {
		case s.Auth == "anon" || s.Auth == "NULL":
			return 0
		case strings.Contains(s.Name, "EXPORT"):
			score = min(score, 40)
		}
	}
	return score
}

// keyScore is table 4 for RSA and finite fields; elliptic curves are put into
// the same classes by the comparable strengths of NIST SP 800-57, part 1.
func keyScore(kind string, bits int) int {
	steps := []int{4096, 2048, 1024, 512}
	if strings.HasPrefix(kind, "EC") || strings.HasPrefix(kind, "Ed") {
		steps = []int{225, 163, 123, 110}
	}
	for i, score := range []int{100, 90, 80, 40} {
		if bits >= steps[i] {
			return score
		}
	}
	return 20
}

func longHSTS(r *Report) bool {
	const sixMonths = 15768000 // seconds, as SSL Labs counts them
	return r.HTTP != nil && r.HTTP.HSTS != nil && r.HTTP.HSTS.Valid && r.HTTP.HSTS.MaxAge >= sixMonths
}
