package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/probe"
)

// maxPolicies is how many different policies of one server are scanned; a scan
// makes some hundred handshakes in a tenth of a second.
const maxPolicies = 16

// policyTargets is one question for each address and each different policy on
// it: which versions, suites and groups does it accept? Names decide all but
// the groups, which belong to the address.
func policyTargets(hosts []conf.VHost, sh *shadow) []target {
	var out []target
	seen := map[string]bool{}
	for _, v := range hosts {
		if !v.TLS || sh.managed[v.Node] { // its suites are those of another kind of key
			continue
		}
		name := ""
		if names := conf.PlainNames(v.Names); len(names) > 0 {
			name = names[0]
		}
		set := v.Settings
		for _, a := range v.Addresses {
			for _, live := range sh.addr.live.Of(a) {
				key := strings.Join([]string{live.String(), set.Protocol.Value, set.Suites12.Value, set.Suites13.Value}, "\n")
				if !seen[key] && len(out) < maxPolicies {
					seen[key] = true
					out = append(out, target{shadow: sh.addr.at(live), live: live.String(), sni: name, vhost: v.Name()})
				}
			}
		}
	}
	return out
}

// unknownPolicy stands for a server that did not answer all of a scan: it is
// not what was planned, nor anything else.
const unknownPolicy = ""

// policies scans one target after the other: a live server has other work.
func policies(ctx context.Context, targets []target, where func(target) string) []string {
	out := make([]string, 0, len(targets))
	for _, t := range targets {
		out = append(out, policyAt(ctx, where(t), t.sni))
	}
	return out
}

// policyAt asks for no page: our own requests would count among the clients'
// in the log that decides what hardening costs.
func policyAt(ctx context.Context, addr, sni string) string {
	pace := probe.Pace{Timeout: handshakeTimeout / 2, Limit: httpd.HoldTimeout / 2} // there must be time for a second scan
	r, err := probe.Scan(ctx, probe.Target{Addr: addr, SNI: sni, Silent: true, Pace: pace})
	switch {
	case probe.Unanswered(err), err == nil && !r.Graded():
		return unknownPolicy
	case err != nil:
		return oddAnswer + innermost(err).Error()
	}
	var words []string
	for _, v := range r.Versions {
		if !v.Supported {
			continue
		}
		var suites []string
		for _, s := range v.Suites {
			suites = append(suites, s.Name)
		}
		slices.Sort(suites)
		words = append(words, v.Name+" with "+strings.Join(suites, " "))
	}
	var groups []string
	for _, g := range r.Groups {
		groups = append(groups, g.Name)
	}
	slices.Sort(groups)
	return strings.Join(append(words, "groups "+strings.Join(groups, " ")), "; ")
}

// PolicyDifferences says where the live server accepts something else than the
// shadow did.
func (e Expectation) PolicyDifferences(ctx context.Context) []conf.Finding {
	var out []conf.Finding
	for i, got := range policies(ctx, e.policies, onLive) {
		t, want := e.policies[i], e.wantPolicy[i]
		switch {
		case want == unknownPolicy:
			out = append(out, policyUnknown(t, "the shadow Apache"))
		case got == unknownPolicy:
			out = append(out, policyUnknown(t, "the running server"))
		case got != want:
			out = append(out, conf.Finding{Code: "wire-policy", VHost: t.vhost, What: fmt.Sprintf("%s, name %q, accepts (%s) instead of (%s)", t.live, t.sni, got, want)})
		}
	}
	return out
}

func policyUnknown(t target, who string) conf.Finding {
	return conf.Finding{Code: "unproven", VHost: t.vhost, What: fmt.Sprintf(
		"%s, name %q: %s did not answer everything, so its versions, suites and groups are not proved", t.live, t.sni, who)}
}
