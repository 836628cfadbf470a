package plan

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
	"tlskeeper/templates"
)

// planner gathers a plan.
type planner struct {
	ctx     context.Context // of the one call that the planner lives for
	s       *httpd.Server
	c       Change
	was, is Manifest
	overlay *overlay
	plan    *Plan
	profile *templates.Profile
	edits   map[string][]byte // admin's files, as edited so far
}

// MakeWith is Make with this profile instead of the one that c names.
func MakeWith(ctx context.Context, s *httpd.Server, c Change, profile *templates.Profile) (*Plan, error) {
	if _, ok := hstsSeconds[c.HSTS]; !ok {
		return nil, fmt.Errorf("hsts %q: want off, 5m, 1w, 6mo or 2y", c.HSTS)
	}
	m, err := Installed(s.Config)
	if err != nil {
		return nil, err
	}
	p := &planner{ctx: ctx, s: s, c: c, was: m, is: m.clone(), overlay: newOverlay(s), profile: profile, edits: map[string][]byte{},
		plan: &Plan{Change: c, Profile: profile, Leaves: map[string]*x509.Certificate{}}}
	for _, step := range p.steps() {
		if err := step(); err != nil {
			return nil, err
		}
	}
	p.finish()
	return p.plan, nil
}

func (p *planner) steps() []func() error {
	if p.c.Remove {
		return []func() error{p.removeAll}
	}
	return []func() error{p.modulesNeeded, p.sites, p.adopt, p.newVHost, p.global, p.idleTLS}
}

func (m Manifest) clone() Manifest {
	m.Files, m.Links = maps.Clone(m.Files), maps.Clone(m.Links)
	m.Adoptions, m.Redirect, m.RedirectSince = slices.Clone(m.Adoptions), slices.Clone(m.Redirect), maps.Clone(m.RedirectSince)
	return m
}

func (p *planner) add(f filechange.Change) {
	if !f.Old.Same(f.New) {
		p.plan.Files = append(p.plan.Files, f)
	}
}

func (p *planner) warn(f conf.Finding)  { p.plan.Warnings = append(p.plan.Warnings, f) }
func (p *planner) block(f conf.Finding) { p.plan.Blocked = append(p.plan.Blocked, f) }

// file plans one file of ours and remembers it in the manifest.
func (p *planner) file(path string, text []byte) error {
	f, err := filechange.PlanFile(path, text, 0o644)
	if err != nil {
		return err
	}
	p.add(f)
	p.is.Files[path] = digest(text)
	return nil
}

func (p *planner) link(path, target string) error {
	f, err := filechange.PlanLink(path, target)
	if err != nil {
		return err
	}
	p.add(f)
	p.is.Links[path] = target
	return nil
}

// sites plans the include of every generation to be served.
func (p *planner) sites() error {
	for _, name := range slices.Sorted(maps.Keys(p.c.Generations)) {
		dir := p.c.Generations[name]
		if !httpd.Exists(filepath.Join(dir, "key.pem")) {
			p.plan.Missing = append(p.plan.Missing, conf.Finding{Code: "no-key", Certificate: name, File: dir, What: "the key of certificate " + name + " is not on this host"})
			continue
		}
		text, err := p.siteText(name, dir)
		if err != nil {
			return err
		}
		path := SitePath(p.s.Config, name)
		if err := p.file(path, text); err != nil {
			return err
		}
		p.overlay.setSite(path, text)
	}
	return nil
}

func (p *planner) siteText(name, dir string) ([]byte, error) {
	if err := templates.CheckName(name); err != nil {
		return nil, err
	}
	chain, err := httpd.ReadChain(filepath.Join(dir, "fullchain.pem"))
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", name, err)
	}
	p.plan.Leaves[name] = chain[0]
	return siteText(p.s, name, dir, chain[0], p.overlay.conf)
}

// global plans the server-level file, its link, and where it is read.
func (p *planner) global() error {
	if p.c.Profile == "" && p.profile == nil && !p.c.LogOnly {
		return nil
	}
	if p.c.LogOnly && p.was.Profile != "" {
		p.warn(conf.Finding{Code: "log-only", File: GlobalPath(p.s), What: "is hardened already and holds the log; left as it is"})
		return nil
	}
	p.is.LogOnly, p.is.Profile = p.c.LogOnly, p.c.Profile
	if p.c.LogOnly {
		p.is.HSTS, p.is.Redirect, p.is.RedirectSince = "", nil, nil
	} else {
		p.hsts()
		p.redirects()
	}
	p.plan.Blocked = append(p.plan.Blocked, check.LogDirectory(p.s.Config.TLSLog)...)
	text, err := globalText(p.s, p.is, p.profile, p.plan.Modules)
	if err != nil {
		return err
	}
	if err := p.file(GlobalPath(p.s), text); err != nil {
		return err
	}
	if p.s.Layout == httpd.Debian {
		if err := p.link(globalEffective(p.s), "../conf-available/"+globalName); err != nil {
			return err
		}
	}
	if !p.overlay.setFile(globalEffective(p.s), text) {
		p.block(p.noSlot())
	}
	return nil
}

// noSlot: nothing reads our file yet, and we do not edit the main file.
func (p *planner) noSlot() conf.Finding {
	lines, _ := httpd.ReadConf(p.s.ConfigFile)
	line := 1
	if len(lines) > 0 {
		line = lines[len(lines)-1].Last + 1
	}
	quoted, err := templates.Quote(globalEffective(p.s))
	if err != nil {
		quoted = err.Error()
	}
	return conf.Finding{Code: "no-include", File: p.s.ConfigFile, Line: line,
		What: "nothing here reads " + globalEffective(p.s), Fix: "IncludeOptional " + quoted}
}

// finish works out what the whole means.
func (p *planner) finish() {
	p.plan.Planned = p.overlay.conf
	if p.plan.Modules == nil {
		p.plan.Modules = p.s.Modules
	}
	p.missing()
	p.check()
	if !p.c.Remove {
		p.is.Cache = conf.Last(p.overlay.conf, "SSLSessionCache") != nil
		p.is.Stapling = conf.Last(p.overlay.conf, "SSLStaplingCache") != nil
	}
	p.bookkeeping()
}

// check takes over what the checks say of the plan.
func (p *planner) check() {
	v := check.Planned(p.view())
	p.plan.Restart = len(v.Restart) > 0
	if !p.c.AllowRestart {
		p.plan.Blocked = append(p.plan.Blocked, v.Restart...)
	}
	p.plan.Blocked = append(p.plan.Blocked, v.Blocked...)
	p.plan.Warnings = append(p.plan.Warnings, v.Warnings...)
}

// view is the plan as the checks see it.
func (p *planner) view() check.View {
	return check.View{Server: p.s, Next: p.overlay.conf, Modules: p.plan.Modules, Held: p.was.Held(p.s), Leaves: p.plan.Leaves,
		Ours:   slices.Concat(slices.Sorted(maps.Keys(p.is.Files)), slices.Sorted(maps.Keys(p.is.Links))),
		Global: GlobalPath(p.s), Effective: globalEffective(p.s),
		Profile: p.is.Profile, HSTS: hstsSeconds[p.is.HSTS] > 0, Redirect: p.is.Redirect, Removing: p.c.Remove}
}

// bookkeeping plans the manifest. It is written only together with a change.
func (p *planner) bookkeeping() {
	if p.plan.Empty() {
		p.plan.Files = nil
		return
	}
	f := filechange.Change{Path: ManifestPath(p.s.Config), Internal: true}
	if old, err := filechange.Read(f.Path); err == nil {
		f.Old = old
	}
	if !p.c.Remove {
		f.New = &filechange.State{Data: p.is.Encode(), Mode: 0o600, UID: -1, GID: -1}
	}
	p.add(f)
}
