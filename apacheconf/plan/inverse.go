package plan

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
	"tlskeeper/internal/hint"
)

// readopt follows a rollback that gives a host back to the certificate that it
// served before `adopt --instead`. Its own lines stand there by now.
func (v *inversion) readopt(change filechange.Change) error {
	for _, a := range v.before(change.Path, change.New) {
		path := SitePath(v.s.Config, a.Name)
		text, err := httpd.ReadFile(path)
		if err != nil {
			return err
		}
		for _, h := range conf.Hosts(v.overlay.conf, v.s.Config.EtcDir) {
			if h.Include == "" && h.Name() == a.VHost && httpd.Resolved(h.File) == a.sectionFile() {
				v.overlay.adopt(h.File, h.Line, path, text)
				break
			}
		}
	}
	return nil
}

// before are the adoptions that the change took away and this text has again.
func (v *inversion) before(path string, s *filechange.State) []Adoption {
	return slices.DeleteFunc(slices.Clone(v.was.Adoptions), func(a Adoption) bool {
		return a.File != path || s == nil || slices.ContainsFunc(v.now.Adoptions, a.same) || !bytes.Contains(s.Data, []byte(a.New))
	})
}

// Undo says how far an undoing may go.
type Undo struct {
	AllowRestart bool // stop and start where a reload would kill Apache
}

// Inverse is the plan that puts the old side of a change back.
func Inverse(s *httpd.Server, files []filechange.Change, u Undo) (*Plan, error) {
	now, err := Installed(s.Config)
	if err != nil {
		return nil, err
	}
	v := &inversion{s: s, now: now, was: oldManifest(s.Config, files, now), overlay: newOverlay(s),
		plan: &Plan{Force: true, Modules: s.Modules, Leaves: map[string]*x509.Certificate{}}}
	v.plan.Change.AllowRestart = u.AllowRestart
	for path := range v.was.Files { // renewals since are no drift
		if v.siteOf(path) != "" {
			v.was.Files[path] = now.Files[path]
		}
	}
	for _, a := range slices.Backward(now.Adoptions) {
		if slices.ContainsFunc(v.was.Adoptions, a.same) {
			continue
		}
		v.adoptions = append(v.adoptions, a)
		v.overlay.unadopt(a, SitePath(s.Config, a.Name))
	}
	for _, f := range slices.Backward(files) {
		if err := v.file(f); err != nil {
			return nil, fmt.Errorf("rolling back: %w", err)
		}
	}
	return v.finish()
}

// inversion gathers the plan of a rollback.
type inversion struct {
	s         *httpd.Server
	now, was  Manifest
	adoptions []Adoption // to undo, the newest first
	overlay   *overlay
	plan      *Plan
	edited    []conf.Finding
}

// oldManifest is the manifest from before the change; one that the change did
// not touch is the present one.
func oldManifest(cfg httpd.Config, files []filechange.Change, now Manifest) Manifest {
	m := Manifest{Version: 1, Files: map[string]string{}, Links: map[string]string{}}
	for _, f := range files {
		if f.Path != ManifestPath(cfg) {
			continue
		}
		if f.Old != nil && json.Unmarshal(f.Old.Data, &m) != nil {
			return Manifest{Version: 1, Files: map[string]string{}, Links: map[string]string{}}
		}
		return m
	}
	return now.clone()
}

func (v *inversion) file(f filechange.Change) error {
	if f.Internal {
		return nil // the manifest is worked out anew
	}
	now, err := filechange.Read(f.Path)
	if err != nil {
		return err
	}
	if name := v.siteOf(f.Path); name != "" {
		v.site(name, f, now)
		return nil
	}
	change := filechange.Change{Path: f.Path, Edit: f.Edit, Old: now, New: f.Old}
	if !now.Same(f.New) && !v.unedit(&change) {
		v.edited = append(v.edited, conf.Finding{Code: "edited", File: f.Path, What: "was changed since; put it right by hand"})
		return nil
	}
	v.plan.Files = append(v.plan.Files, change)
	v.effect(f)
	return v.readopt(change)
}

// unedit handles an admin's file that was edited elsewhere since: only our own
// edit of it is taken back.
func (v *inversion) unedit(c *filechange.Change) bool {
	if c.Old == nil || c.Old.Target != "" {
		return false
	}
	text, found := c.Old.Data, false
	for _, a := range v.adoptions {
		if a.File != c.Path {
			continue
		}
		var err error
		if text, err = a.undo(text); err != nil {
			return false
		}
		found = true
	}
	for _, a := range v.before(c.Path, c.New) {
		var err error
		if text, err = applyEdit(text, a.Old, a.New); err != nil {
			return false
		}
	}
	next := *c.Old
	next.Data, next.MTime = text, time.Time{}
	c.New = &next
	return found
}

func (v *inversion) siteOf(path string) string {
	for _, name := range siteNames(v.s.Config.EtcDir) {
		if SitePath(v.s.Config, name) == path {
			return name
		}
	}
	return ""
}

// site: an include goes only when this change made it and nothing includes it
// any more. Otherwise it keeps the newest certificate: nothing points back.
func (v *inversion) site(name string, f filechange.Change, now *filechange.State) {
	for _, h := range conf.Hosts(v.overlay.conf, v.s.Config.EtcDir) {
		if h.Include == name || f.Old != nil {
			v.was.Files[f.Path] = digest(now.Data)
			return
		}
	}
	v.plan.Files = append(v.plan.Files, filechange.Change{Path: f.Path, Old: now})
}

// effect follows a change into the effective configuration.
func (v *inversion) effect(f filechange.Change) {
	s := v.s
	switch {
	case f.Path == GlobalPath(s):
		var text []byte
		if f.Old != nil {
			text = f.Old.Data
		}
		v.overlay.setFile(globalEffective(s), text)
	case f.Old == nil:
		v.overlay.setFile(f.Path, nil)
	}
}

func (v *inversion) finish() (*Plan, error) {
	if len(v.edited) > 0 {
		return nil, hint.Wrap(&conf.RefusedError{Why: "files were edited after the change that is to be undone", Findings: v.edited}, "tlskeeper apache status")
	}
	p := &planner{s: v.s, c: v.plan.Change, was: v.now, is: v.was, overlay: v.overlay, plan: v.plan}
	v.plan.Planned = v.overlay.conf
	for _, f := range check.Caches(p.view()) {
		v.plan.Restart = true
		if !v.plan.Change.AllowRestart {
			p.block(f)
		}
	}
	p.bookkeeping()
	return v.plan, nil
}
