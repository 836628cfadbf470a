package proof

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/probe"
	"tlskeeper/internal/hint"
)

// families: a server with two kinds of certificate shows most clients only
// one, so each question is asked once per kind.
var families = []string{"ecdsa", "rsa"}

const (
	handshakeTimeout = 5 * time.Second
	servesNone       = "none"
	unreachable      = "unreachable" // nothing is known; proves nothing, compared with anything
	oddAnswer        = "no TLS that can be used: "
)

// CodeUnproven is the code of a finding about what could not be learnt: neither right
// nor wrong.
const CodeUnproven = "unproven"

// target is one question to a server: which leaf does it show?
type target struct {
	shadow, live string // host:port
	sni, family  string
	vhost        string
	managed      bool // by mod_md
}

func (t target) String() string {
	return fmt.Sprintf("%s, name %q, %s", t.live, t.sni, t.family)
}

// targets lists every address x name (and no name) x family of the TLS hosts.
func targets(vhosts []conf.VHost, sh *shadow) []target {
	var out []target
	seen := map[string]bool{}
	for _, v := range vhosts {
		if !v.TLS {
			continue
		}
		for _, a := range v.Addresses {
			for _, live := range sh.addr.live.Of(a) {
				for _, name := range append(conf.PlainNames(v.Names), "") {
					key := live.String() + " " + strings.ToLower(name)
					if seen[key] {
						continue
					}
					seen[key] = true
					for _, family := range families {
						out = append(out, target{sh.addr.at(live), live.String(), name, family, v.Name(), sh.managed[v.Node]})
					}
				}
			}
		}
	}
	return out
}

// ask shakes hands with each target, eight at a time. The answers are
// fingerprints of leaves with the version (a change of policy shows there),
// servesNone, an oddAnswer or unreachable.
func ask(ctx context.Context, targets []target, where func(target) string) []string {
	answers := make([]string, len(targets))
	slots := make(chan struct{}, 8)
	var wait sync.WaitGroup
	for i, t := range targets {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			answers[i] = askOne(ctx, where(t), t.sni, t.family)
		})
	}
	wait.Wait()
	return answers
}

func askOne(ctx context.Context, addr, sni, family string) string {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	leaf, state, err := probe.Leaf(ctx, probe.Target{Addr: addr, SNI: sni}, family)
	var none *probe.FamilyError
	switch {
	case err == nil:
		return fingerprint(leaf) + " by " + tls.VersionName(state.Version)
	case errors.As(err, &none):
		return servesNone
	case probe.Unanswered(err):
		return unreachable
	}
	return oddAnswer + innermost(err).Error()
}

// innermost leaves out what names the address: shadow and live server are
// compared.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func onShadow(t target) string { return t.shadow }
func onLive(t target) string   { return t.live }

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Expectation is what the live server must show: what a shadow showed.
type Expectation struct {
	targets []target
	want    []string

	policies   []target // empty where only certificates change
	wantPolicy []string
}

// Trial is a configuration to be tried on a shadow.
type Trial struct {
	Conf     []*conf.Node
	Modules  []string     // loaded with it
	Hosts    []conf.VHost // to be asked; none where only its start is wanted
	Policies bool         // also which versions, suites and groups they accept
}

// Try starts a shadow, asks it what the live server would have to show, and
// ends it. A configuration that Apache would die of is a *deadError.
func Try(ctx context.Context, s *httpd.Server, t Trial) (Expectation, error) {
	sh, err := startShadow(ctx, s, t.Conf, t.Modules)
	if err != nil {
		return Expectation{}, err
	}
	defer sh.stop(s.Config.Logger())
	e := expect(ctx, targets(t.Hosts, sh))
	if t.Policies {
		e.policies = policyTargets(t.Hosts, sh)
		e.wantPolicy = policies(ctx, e.policies, onShadow)
	}
	return e, nil
}

func expect(ctx context.Context, targets []target) Expectation {
	e := Expectation{targets: targets, want: ask(ctx, targets, onShadow)}
	for i, t := range targets {
		if e.want[i] == unreachable { // perhaps only a busy host
			e.want[i] = askOne(ctx, t.shadow, t.sni, t.family)
		}
	}
	e.loosen(ctx)
	return e
}

// Now is what the live server shows of the same: what it must show again after
// an undoing. mod_md may exchange its certificate meanwhile.
func (e Expectation) Now(ctx context.Context) Expectation {
	live := Expectation{targets: e.targets, want: ask(ctx, e.targets, onLive)}
	live.loosen(ctx)
	live.release()
	return live
}

// Questions is how many answers the live server must give.
func (e Expectation) Questions() int { return len(e.targets) }

// Unproven says what the shadow did not answer: nothing can be held against it.
func (e Expectation) Unproven() []conf.Finding {
	var out []conf.Finding
	for i, t := range e.targets {
		if e.want[i] == unreachable {
			out = append(out, conf.Finding{Code: "unproven", VHost: t.vhost, What: t.String() + ": the shadow Apache gave no answer"})
		}
	}
	for i, t := range e.policies {
		if e.wantPolicy[i] == unknownPolicy {
			out = append(out, policyUnknown(t, "the shadow Apache"))
		}
	}
	return out
}

// NotProved refuses what a shadow did not answer for.
func NotProved(faults []conf.Finding) error {
	return hint.Wrap(&conf.RefusedError{Why: "the shadow Apache did not answer everything, so nothing is proved", Findings: faults},
		"try again when the host is less busy: uptime")
}

// release gives up what was not heard: nothing can be awaited of it.
func (e Expectation) release() {
	for i := range e.want {
		if e.want[i] == unreachable {
			e.want[i] = notAsked
		}
	}
}

// Differences says where the live server shows something else, or nothing is
// known.
func (e Expectation) Differences(ctx context.Context) []conf.Finding {
	var out []conf.Finding
	for i, got := range ask(ctx, e.targets, onLive) {
		switch t := e.targets[i]; {
		case right(e.want[i], got):
		case e.want[i] == unreachable || got == unreachable && !isLeaf(e.want[i]):
			out = append(out, conf.Finding{Code: "unproven", VHost: t.vhost,
				What: fmt.Sprintf("%s shows %s, the shadow Apache %s, so nothing is proved", t, short(got), short(e.want[i]))})
		default:
			out = append(out, conf.Finding{Code: "wire", VHost: t.vhost,
				What: fmt.Sprintf("%s shows %s instead of %s", t, short(got), short(e.want[i]))})
		}
	}
	return out
}

// Served counts the answers that are certificates, per address and name.
func (e Expectation) Served() map[string]bool {
	out := map[string]bool{}
	for i, t := range e.targets {
		key := t.live + " " + t.sni
		out[key] = out[key] || isLeaf(e.want[i])
	}
	return out
}

func isLeaf(answer string) bool {
	return answer != servesNone && answer != unreachable && answer != notAsked && !strings.HasPrefix(answer, oddAnswer)
}

func short(answer string) string {
	if answer == anyLeaf {
		return answer
	}
	if isLeaf(answer) {
		leaf, how, _ := strings.Cut(answer, " ")
		return "certificate " + leaf[:16] + " " + how
	}
	return "no certificate (" + answer + ")"
}

// OtherLeaf: a host that includes our certificate must show its leaf and no
// other, whatever kind of certificate the client asks for.
func (e Expectation) OtherLeaf(hosts []conf.VHost, leaves map[string]*x509.Certificate) []conf.Finding {
	var out []conf.Finding
	for i, target := range e.targets {
		for _, v := range hosts {
			leaf := leaves[v.Include]
			if leaf == nil || !v.TLS || v.Name() != target.vhost || target.sni == "" || !v.Covers(target.sni) {
				continue
			}
			if got := e.want[i]; isLeaf(got) && !strings.HasPrefix(got, fingerprint(leaf)) {
				out = append(out, conf.Finding{Code: "other-leaf", File: v.File, Line: v.Line, VHost: v.Name(),
					What: fmt.Sprintf("name %s, %s: would show %s, not certificate %s", target.sni, target.family, short(got), v.Include)})
			}
		}
	}
	return out
}
