package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/proof"
	"tlskeeper/internal/filechange"
)

// StatusReport is what is installed, what is served, and where they differ.
type StatusReport struct {
	Server    *Server        `json:"server"`
	Running   bool           `json:"running"`
	PID       int            `json:"pid,omitempty"`
	Installed bool           `json:"installed"`
	LogOnly   bool           `json:"log_only"`
	Profile   string         `json:"profile,omitempty"`
	HSTS      string         `json:"hsts,omitempty"`
	CutOff    bool           `json:"cut_off"` // an apply was interrupted; the next run undoes it
	Sites     []SiteStatus   `json:"sites"`
	Drift     []conf.Finding `json:"drift"` // what differs from what was installed, or is not in force
}

// SiteStatus is one certificate that we serve.
type SiteStatus struct {
	Name     string    `json:"name"`
	Dir      string    `json:"dir"` // generation that the include names
	NotAfter time.Time `json:"not_after,omitzero"`
	VHosts   []string  `json:"vhosts"` // "name (file:line)"
}

// Status compares manifest, files and wire. It changes nothing, but starts a
// shadow to learn what the files would serve.
func Status(ctx context.Context, cfg Config) (*StatusReport, error) {
	s, err := Discover(ctx, cfg)
	if err != nil {
		return nil, err
	}
	m, err := loadManifest(cfg)
	if err != nil {
		return nil, err
	}
	parent, running := s.Parent()
	r := &StatusReport{Server: s, Running: running, Installed: len(m.Files) > 0, LogOnly: m.LogOnly, Profile: m.Profile, HSTS: m.HSTS,
		CutOff: httpd.Exists(journalPath(cfg))}
	r.sites(s)
	r.Drift = append(r.Drift, m.drift()...)
	if running {
		r.PID = parent.PID
		r.Drift = append(r.Drift, check.Upgraded(s.Server)...)
	}
	r.Drift = append(r.Drift, s.cacheDrift(m)...)
	r.Drift = append(r.Drift, s.wireDrift(ctx, running)...)
	return r, nil
}

func (r *StatusReport) sites(s *Server) {
	active, err := ActiveGenerations(s.Config.EtcDir)
	if err != nil {
		r.Drift = append(r.Drift, conf.Finding{Code: "unreadable", File: s.Config.EtcDir, What: err.Error()})
		return
	}
	for _, name := range slices.Sorted(maps.Keys(active)) {
		site := SiteStatus{Name: name, Dir: active[name]}
		if chain, err := httpd.ReadChain(active[name] + "/fullchain.pem"); err == nil {
			site.NotAfter = chain[0].NotAfter
		}
		for _, v := range s.VHosts {
			if v.Include == name {
				site.VHosts = append(site.VHosts, fmt.Sprintf("%s (%s:%d)", v.Name(), v.File, v.Line))
			}
		}
		r.Sites = append(r.Sites, site)
	}
}

// drift finds hand edits, deleted files and links, and lost adoptions.
func (m manifest) drift() []conf.Finding {
	var out []conf.Finding
	for _, path := range slices.Sorted(maps.Keys(m.Files)) {
		now, err := filechange.Read(path)
		switch {
		case m.Files[path] == handedOver:
		case err != nil:
			out = append(out, conf.Finding{Code: "unreadable", File: path, What: err.Error()})
		case now == nil:
			out = append(out, conf.Finding{Code: "deleted", File: path, What: "was deleted by hand", Fix: "tlskeeper apache apply"})
		case digest(now.Data) != m.Files[path]:
			out = append(out, conf.Finding{Code: "edited", File: path, What: "was edited by hand", Fix: "tlskeeper apache apply"})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(m.Links)) {
		if target, err := os.Readlink(path); err != nil || target != m.Links[path] {
			out = append(out, conf.Finding{Code: "link", File: path, What: "does not link to " + m.Links[path] + " any more", Fix: "tlskeeper apache apply"})
		}
	}
	for _, a := range m.Adoptions {
		text, err := httpd.ReadFile(a.File)
		if err != nil || !strings.Contains(string(text), a.New) {
			out = append(out, conf.Finding{Code: "adoption", File: a.File, VHost: a.VHost, What: "the Include of certificate " + a.Name + " was changed by hand", Fix: "tlskeeper apache adopt " + a.Name})
		}
	}
	return out
}

// cacheDrift: files as they are now that would kill Apache at its next reload,
// whoever makes it.
func (s *Server) cacheDrift(m manifest) []conf.Finding {
	if !s.Has("ssl_module") {
		return nil
	}
	out := check.Caches(check.View{Server: s.Server, Next: s.Conf, Held: m.held(s.Server)})
	for i := range out {
		out[i].Fix = "put the line back, or: " + strings.Join(s.StopArgv(), " ") + "; " + strings.Join(s.StartArgv(), " ")
	}
	return out
}

// wireDrift compares file and wire: a certificate on disk that was never
// loaded, or a configuration that would not start.
func (s *Server) wireDrift(ctx context.Context, running bool) []conf.Finding {
	if faults := check.Present(s.Server); len(faults) > 0 {
		return faults
	}
	down := []conf.Finding{{Code: "not-running", File: s.PidFile, What: "Apache is not running", Fix: strings.Join(s.StartArgv(), " ")}}
	switch {
	case !s.Has("ssl_module") && running:
		return nil
	case !s.Has("ssl_module"):
		return down
	}
	t := proof.Trial{Conf: s.Conf, Modules: s.Modules}
	if running {
		t.Hosts, t.Policies = s.VHosts, true
	}
	e, err := proof.Try(ctx, s.Server, t)
	if dead, ok := errors.AsType[*proof.DeadError](err); ok {
		return dead.Findings
	}
	if err != nil {
		return []conf.Finding{{Code: "shadow", What: err.Error()}}
	}
	if !running {
		return down
	}
	diffs := append(e.Differences(ctx), e.PolicyDifferences(ctx)...)
	for i := range diffs {
		if diffs[i].Code == proof.CodeUnproven {
			continue
		}
		diffs[i].Code, diffs[i].Fix = "not-loaded", strings.Join(s.ReloadArgv(), " ")
	}
	return slices.CompactFunc(diffs, func(a, b conf.Finding) bool { return a.What == b.What })
}
