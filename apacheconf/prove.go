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
	"tlskeeper/apacheconf/proof"
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
	t.journal = journal{Version: 1, Started: time.Now().UTC(), Running: parent.PID != 0, Command: t.p.Change.Command(), Activate: t.p.Change.OnlyCertificates() || t.p.OnlyRenewed(t.s.Config), Repair: t.p.Repairs(), Files: t.p.Files}
	if err := t.present(ctx); err != nil && !t.p.Force {
		return err
	}
	if t.s.hooks.blind {
		t.after = t.before
		return nil
	}
	return t.future(ctx)
}

func broken(faults []Finding) error {
	return hint.Wrap(&RefusedError{Why: "Apache's present configuration is already broken; its next reload or start would fail", Findings: faults},
		"repair that first")
}

// present starts a shadow of the configuration on disk and compares the live
// server with it.
func (t *transaction) present(ctx context.Context) error {
	if !t.s.Has("ssl_module") {
		return nil
	}
	onDisk, err := proof.Try(ctx, t.s.Server, proof.Trial{Conf: t.s.Conf, Modules: t.s.Modules, Hosts: t.s.VHosts})
	if dead, ok := errors.AsType[*proof.DeadError](err); ok {
		return broken(dead.Findings)
	}
	if err != nil {
		return err
	}
	t.before = onDisk.Now(ctx)
	var faults []Finding
	live := t.before.Served()
	for key, ok := range onDisk.Served() {
		if ok && !live[key] {
			faults = append(faults, Finding{Code: "wire", What: "the running server shows no certificate at " + key + ", its configuration would"})
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
	if !slices.Contains(t.p.Modules, "ssl_module") {
		return nil
	}
	hosts := conf.Hosts(t.p.Planned, t.s.Config.EtcDir)
	var err error
	t.after, err = proof.Try(ctx, t.s.Server, proof.Trial{Conf: t.p.Planned, Modules: t.p.Modules, Hosts: hosts, Policies: !t.journal.Activate})
	if dead, ok := errors.AsType[*proof.DeadError](err); ok {
		return &RefusedError{Why: "Apache would die of this configuration (tried on a shadow)", Findings: dead.Findings}
	}
	if err != nil {
		return err
	}
	if faults := append(t.lost(), t.after.OtherLeaf(hosts, t.p.Leaves)...); len(faults) > 0 {
		return &RefusedError{Why: "the shadow Apache does not serve what it should", Findings: faults}
	}
	if faults := t.after.Unproven(); len(faults) > 0 {
		return proof.NotProved(faults)
	}
	return nil
}

// lost: a name that had a certificate and would have none.
func (t *transaction) lost() []Finding {
	var out []Finding
	after := t.after.Served()
	for key, ok := range t.before.Served() {
		if still, asked := after[key]; ok && asked && !still {
			out = append(out, Finding{Code: "lost", What: "no client could shake hands any more at " + key})
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
