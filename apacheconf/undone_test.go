package apacheconf

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/filechange"
)

// undoGoal is what an undoing should take; it is printed, not asserted.
const undoGoal = 3 * time.Second

// Every fault again, in a file of ours, with the shadow's eyes shut: the live
// server dies of it, and comes back with the old files and the old site.
func TestDeadServerIsBroughtBack(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	conf := strings.Replace(read(r.a.ConfigFile), sessionCacheLine+"\n", "", 1) // ours is the only one
	must(filechange.Put(r.a.ConfigFile, &filechange.State{Data: []byte(conf), Mode: 0o644, UID: -1, GID: -1}))
	r.start()
	first, leaf := r.generation()
	r.apply(Change{Profile: "intermediate", Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	var slowest time.Duration
	for _, f := range r.faults() {
		if strings.Contains(f.server, "SSLStaplingCache") {
			continue // never in a file of ours
		}
		t.Run(f.name, func(t *testing.T) {
			r.t = t
			before := r.snapshot()
			back := r.meet(f)
			if !back.Healthy || !errors.Is(back.Cause, httpd.ErrDied) {
				t.Errorf("error = %v", back)
			}
			r.unchanged(before)
			r.serves("a.test", leaf)
			r.serves("b.test", r.oldB.Leaf)
			t.Logf("undone in %v", back.Took.Round(time.Millisecond))
			slowest = max(slowest, back.Took)
		})
	}
	r.t = t
	t.Logf("slowest undoing: %v (goal: %v)", slowest.Round(time.Millisecond), undoGoal)
}

// meet installs a fault without a proof.
func (r *rig) meet(f fault) *RolledBackError {
	r.t.Helper()
	s, p := r.inject(f)
	s.hooks.blind = true
	_, err := s.locked(r.t.Context(), func(bool) (*Result, error) { return s.carryOut(r.t.Context(), p) })
	back, ok := errors.AsType[*RolledBackError](err)
	if !ok {
		r.t.Fatalf("error = %v, want *RolledBackError", err)
	}
	return back
}

// inject plans a file of ours with a fault in it.
func (r *rig) inject(f fault) (*Server, *Plan) {
	r.t.Helper()
	s := r.discover()
	if f.from != "" && conf.AtLeast(s.OpenSSL, f.from) {
		r.t.Skip("OpenSSL knows this")
	}
	path, text := filepath.Join(r.cfg.EtcDir, ourGlobal), ""
	if f.server != "" {
		text = withServerLine(read(path), f.server)
	} else {
		path = plan.SitePath(r.cfg, "a.test")
		text = withHostFault(read(path), f)
	}
	change, err := filechange.PlanFile(path, []byte(text), 0o644)
	must(err)
	return s, &Plan{Files: []filechange.Change{change}, Planned: instead(s.Conf, conf.ParseOwn([]byte(text), path, s.Modules), path), Modules: s.Modules}
}

// instead is the tree with these nodes in the place of what a file contributes,
// to the server or to its virtual hosts.
func instead(tree, nodes []*conf.Node, path string) []*conf.Node {
	ours := func(n *conf.Node) bool { return n.File == path }
	var out []*conf.Node
	for _, n := range tree {
		host := *n
		host.Children = slices.Clone(n.Children)
		if i := slices.IndexFunc(host.Children, ours); i >= 0 {
			host.Children = slices.Insert(slices.DeleteFunc(host.Children, ours), i, nodes...)
		}
		out = append(out, &host)
	}
	if i := slices.IndexFunc(out, ours); i >= 0 {
		out = slices.Insert(slices.DeleteFunc(out, ours), i, nodes...)
	}
	return out
}

// withServerLine adds a line; one about the session cache takes the place of
// ours.
func withServerLine(text, line string) string {
	if strings.Contains(line, "SSLSessionCache") {
		instead := "SSLSessionCache none\n#"
		if strings.HasPrefix(line, removeLine) {
			instead = "#"
		}
		return strings.Replace(text, "SSLSessionCache", instead, 1)
	}
	return text + line + "\n"
}

func withHostFault(text string, f fault) string {
	if f.host != "" {
		return text + f.host + "\n"
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "SSLCertificateFile"):
			line = "SSLCertificateFile " + f.cert + "\n"
		case strings.HasPrefix(line, "SSLCertificateKeyFile"):
			line = "SSLCertificateKeyFile " + f.key + "\n"
		}
		if f.cert != "-" || !strings.HasPrefix(line, "SSLCertificate") {
			out.WriteString(line)
		}
	}
	return out.String()
}
