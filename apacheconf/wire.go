package apacheconf

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"tlskeeper/apacheconf/probe"
)

// families: a server with two kinds of certificate shows most clients only
// one, so each question is asked once per kind.
var families = []string{"ecdsa", "rsa"}

const (
	handshakeTimeout = 5 * time.Second
	maxNames         = 30 // names of one virtual host that are tried
	servesNone       = "none"
	unreachable      = "unreachable"
)

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
func targets(vhosts []VHost, sh *shadow) []target {
	var out []target
	seen := map[string]bool{}
	for _, v := range vhosts {
		if !v.TLS {
			continue
		}
		for _, a := range v.Addresses {
			for _, live := range sh.addr.live.of(a) {
				for _, name := range append(plainNames(v.Names), "") {
					key := live.String() + " " + strings.ToLower(name)
					if seen[key] {
						continue
					}
					seen[key] = true
					for _, family := range families {
						out = append(out, target{sh.addr.at(live), live.String(), name, family, v.Name(), sh.managed[v.node]})
					}
				}
			}
		}
	}
	return out
}

func plainNames(names []string) []string {
	var out []string
	for _, n := range names {
		if !strings.ContainsAny(n, "*?") && net.ParseIP(n) == nil && len(out) < maxNames {
			out = append(out, n)
		}
	}
	return out
}

// LiveAddrs is where this host reaches a virtual host, host:port each: what to
// dial to see what it serves.
func (s *Server) LiveAddrs(v VHost) []string {
	var written, out []string
	for _, h := range s.VHosts {
		written = append(written, h.Addresses...)
	}
	x := newAddresses(s.Listen, written)
	for _, a := range v.Addresses {
		for _, d := range x.of(a) {
			if !slices.Contains(out, d.String()) {
				out = append(out, d.String())
			}
		}
	}
	return out
}

// ask shakes hands with each target, eight at a time. The answers are
// fingerprints of leaves with the version (a change of policy shows there),
// servesNone or unreachable.
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
	}
	return unreachable
}

func onShadow(t target) string { return t.shadow }
func onLive(t target) string   { return t.live }

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// expectation is what the live server must show: what a shadow showed.
type expectation struct {
	targets []target
	want    []string

	policies   []target // empty where only certificates change
	wantPolicy []string
}

func expect(ctx context.Context, targets []target) expectation {
	e := expectation{targets: targets, want: ask(ctx, targets, onShadow)}
	e.loosen(ctx)
	return e
}

// differences says where the live server shows something else.
func (e expectation) differences(ctx context.Context) []Finding {
	var out []Finding
	for i, got := range ask(ctx, e.targets, onLive) {
		if !right(e.want[i], got) {
			out = append(out, Finding{Code: "wire", VHost: e.targets[i].vhost,
				What: fmt.Sprintf("%s shows %s instead of %s", e.targets[i], short(got), short(e.want[i]))})
		}
	}
	return out
}

// served counts the answers that are certificates, per address and name.
func (e expectation) served() map[string]bool {
	out := map[string]bool{}
	for i, t := range e.targets {
		key := t.live + " " + t.sni
		out[key] = out[key] || isLeaf(e.want[i])
	}
	return out
}

func isLeaf(answer string) bool {
	return answer != servesNone && answer != unreachable && answer != notAsked
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
