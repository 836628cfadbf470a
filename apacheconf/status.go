package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
	"tlskeeper/apacheconf/proof"
)

// StatusReport is what is installed, what is served, and where they differ.
type StatusReport struct {
	Server    *Server      `json:"server"`
	Running   bool         `json:"running"`
	PID       int          `json:"pid,omitempty"`
	Installed bool         `json:"installed"`
	LogOnly   bool         `json:"log_only"`
	Profile   string       `json:"profile,omitempty"`
	HSTS      string       `json:"hsts,omitempty"`
	CutOff    bool         `json:"cut_off"` // an apply was interrupted; the next run undoes it
	Sites     []SiteStatus `json:"sites"`
	Drift     []Finding    `json:"drift"` // what differs from what was installed, or is not in force
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
	m, err := plan.Installed(cfg)
	if err != nil {
		return nil, err
	}
	parent, running := s.Parent()
	r := &StatusReport{Server: s, Running: running, Installed: len(m.Files) > 0, LogOnly: m.LogOnly, Profile: m.Profile, HSTS: m.HSTS,
		CutOff: httpd.Exists(journalPath(cfg))}
	r.sites(s)
	r.Drift = append(r.Drift, m.Drift()...)
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
		r.Drift = append(r.Drift, Finding{Code: "unreadable", File: s.Config.EtcDir, What: err.Error()})
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

// cacheDrift: files as they are now that would kill Apache at its next reload,
// whoever makes it.
func (s *Server) cacheDrift(m plan.Manifest) []Finding {
	if !s.Has("ssl_module") {
		return nil
	}
	out := check.Caches(check.View{Server: s.Server, Next: s.Conf, Held: m.Held(s.Server)})
	for i := range out {
		out[i].Fix = "put the line back, or: " + strings.Join(s.StopArgv(), " ") + "; " + strings.Join(s.StartArgv(), " ")
	}
	return out
}

// wireDrift compares file and wire: a certificate on disk that was never
// loaded, or a configuration that would not start.
func (s *Server) wireDrift(ctx context.Context, running bool) []Finding {
	if faults := check.Present(s.Server); len(faults) > 0 {
		return faults
	}
	down := []Finding{{Code: "not-running", File: s.PidFile, What: "Apache is not running", Fix: strings.Join(s.StartArgv(), " ")}}
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
		return []Finding{{Code: "shadow", What: err.Error()}}
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
	return slices.CompactFunc(diffs, func(a, b Finding) bool { return a.What == b.What })
}
