package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
	"tlskeeper/internal/filechange"
	"tlskeeper/internal/hint"
)

// prove checks everything that can be known before a byte is written: the
// present state is healthy, a shadow of the plan starts, and it serves what
// the plan promises. Every failure is a *RefusedError.
func (t *transaction) prove(ctx context.Context) error {
	parent, running := t.s.Parent()
	if !running {
		return notRunning(t.s.Server)
	}
	if faults := check.Present(t.s.Server); len(faults) > 0 {
		return broken(faults)
	}
	t.journal = journal{Version: 1, Started: time.Now().UTC(), Running: parent.PID != 0, Command: t.p.Change.command(), Activate: t.p.Change.onlyCertificates() || t.p.onlyRenewed(t.s.Config), Repair: t.p.repairs(), Files: t.p.Files}
	if err := t.present(ctx); err != nil && !t.p.force {
		return err
	}
	if t.s.hooks.blind {
		t.after = t.before
		return nil
	}
	return t.future(ctx)
}

// onlyCertificates: a renewal.
func (c Change) onlyCertificates() bool {
	return len(c.Generations) > 0 && len(c.Adopt) == 0 && c.Profile == "" && !c.LogOnly && !c.Remove && c.VHost == nil
}

// repairs: the files change, and what we remember of them does not.
func (p *Plan) repairs() bool {
	return !p.force && !slices.ContainsFunc(p.Files, func(f filechange.Change) bool { return f.Internal })
}

func broken(faults []conf.Finding) error {
	return hint.Wrap(&conf.RefusedError{Why: "Apache's present configuration is already broken; its next reload or start would fail", Findings: faults},
		"repair that first")
}

// present starts a shadow of the configuration on disk and compares the live
// server with it.
func (t *transaction) present(ctx context.Context) error {
	if !t.s.Has("ssl_module") {
		return nil
	}
	sh, err := startShadow(ctx, t.s.Server, t.s.Conf, t.s.Modules)
	if failed := (*shadowError)(nil); errors.As(err, &failed) {
		return broken(failed.findings)
	}
	if err != nil {
		return err
	}
	defer sh.stop(t.s.Config.Logger())
	onDisk := expect(ctx, targets(t.s.VHosts, sh))
	t.before = expectation{targets: onDisk.targets, want: ask(ctx, onDisk.targets, onLive)}
	t.before.loosen(ctx) // mod_md may exchange its certificate while we reload
	t.before.release()
	var faults []conf.Finding
	live := t.before.served()
	for key, ok := range onDisk.served() {
		if ok && !live[key] {
			faults = append(faults, conf.Finding{Code: "wire", What: "the running server shows no certificate at " + key + ", its configuration would"})
		}
	}
	if len(faults) > 0 {
		return broken(faults)
	}
	return nil
}

// future starts a shadow of the plan and asks it what the live server will
// have to show.
func (t *transaction) future(ctx context.Context) error {
	if !slices.Contains(t.p.modules, "ssl_module") {
		return nil
	}
	sh, err := startShadow(ctx, t.s.Server, t.p.planned, t.p.modules)
	if failed := (*shadowError)(nil); errors.As(err, &failed) {
		return &conf.RefusedError{Why: "Apache would die of this configuration (tried on a shadow)", Findings: failed.findings}
	}
	if err != nil {
		return err
	}
	defer sh.stop(t.s.Config.Logger())
	hosts := conf.Hosts(t.p.planned, t.s.Config.EtcDir)
	t.after = expect(ctx, targets(hosts, sh))
	if !t.journal.Activate {
		t.after.policies = policyTargets(hosts, sh)
		t.after.wantPolicy = policies(ctx, t.after.policies, onShadow)
	}
	if faults := append(t.lost(), t.otherLeaf(hosts)...); len(faults) > 0 {
		return &conf.RefusedError{Why: "the shadow Apache does not serve what it should", Findings: faults}
	}
	if faults := t.after.unproven(); len(faults) > 0 {
		return notProved(faults)
	}
	return nil
}

// lost: a name that had a certificate and would have none.
func (t *transaction) lost() []conf.Finding {
	var out []conf.Finding
	after := t.after.served()
	for key, ok := range t.before.served() {
		if still, asked := after[key]; ok && asked && !still {
			out = append(out, conf.Finding{Code: "lost", What: "no client could shake hands any more at " + key})
		}
	}
	return out
}

// otherLeaf: a host that includes our certificate must show its leaf and no
// other, whatever kind of certificate the client asks for.
func (t *transaction) otherLeaf(hosts []conf.VHost) []conf.Finding {
	var out []conf.Finding
	for i, target := range t.after.targets {
		for _, v := range hosts {
			leaf := t.p.leaves[v.Include]
			if leaf == nil || !v.TLS || v.Name() != target.vhost || target.sni == "" || !v.Covers(target.sni) {
				continue
			}
			if got := t.after.want[i]; isLeaf(got) && !strings.HasPrefix(got, fingerprint(leaf)) {
				out = append(out, conf.Finding{Code: "other-leaf", File: v.File, Line: v.Line, VHost: v.Name(),
					What: fmt.Sprintf("name %s, %s: would show %s, not certificate %s", target.sni, target.family, short(got), v.Include)})
			}
		}
	}
	return out
}

// sameAsPlanned lets httpd read what was written, before anything is reloaded:
// each virtual host must have the TLS directives that the shadow had.
func (s *Server) sameAsPlanned(ctx context.Context, planned []*conf.Node) error {
	now, err := inspect(ctx, s.Config)
	if err != nil {
		return fmt.Errorf("reading the new configuration: %w", conf.Unhinted(err))
	}
	want, got := hostTexts(planned), hostTexts(now.Conf)
	if len(want) != len(got) {
		return fmt.Errorf("reading the new configuration: %d virtual hosts instead of %d", len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			return fmt.Errorf("reading the new configuration: it is not what was proved, at %s: %s", conf.All(now.Conf, "VirtualHost")[i].Place(), firstDifference(want[i], got[i]))
		}
	}
	return nil
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("%q instead of %q", g[i], w[i])
		}
	}
	return "lines are missing or too many"
}

// hostTexts are the TLS directives of each virtual host, with those of the
// server that hold in it.
func hostTexts(tree []*conf.Node) []string {
	var out []string
	for _, v := range conf.All(tree, "VirtualHost") {
		text := ""
		for _, n := range conf.TLSNodes(v.Children) {
			text += strings.ToLower(n.Name)
			for _, w := range n.Words() {
				text += " " + w
			}
			text += "\n"
		}
		set := conf.SettingsOf(tree, v)
		for _, d := range []conf.Directive{set.Protocol, set.Suites12, set.Suites13, set.Groups, set.ServerOrder, set.Tickets} {
			text += d.Value + "\n"
		}
		out = append(out, text)
	}
	return out
}
