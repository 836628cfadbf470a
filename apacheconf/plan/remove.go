package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
)

// removeAll plans the way back: adoptions undone from the last to the first,
// our files and links gone.
func (p *planner) removeAll() error {
	for _, a := range slices.Backward(p.was.Adoptions) {
		if err := p.unadopt(a); err != nil {
			return err
		}
	}
	if err := p.plannedEdits(); err != nil {
		return err
	}
	for _, path := range p.ownPaths() {
		f, err := filechange.PlanRemoval(path)
		if err != nil {
			return err
		}
		p.add(f)
	}
	p.overlay.setFile(globalEffective(p.s), nil)
	for _, path := range p.ownPaths() { // a virtual host of our own, where httpd reads it
		p.overlay.setFile(path, nil)
	}
	if err := p.moduleLinks(); err != nil {
		return err
	}
	for _, v := range conf.Hosts(p.overlay.conf, p.s.Config.EtcDir) {
		if v.Include != "" && !slices.Contains(p.ownPaths(), v.File) {
			p.block(conf.Finding{Code: "included", File: v.File, Line: v.Line, VHost: v.Name(),
				What: "includes our " + SitePath(p.s.Config, v.Include) + ", which a person wrote there; give it other certificate lines first"})
		}
	}
	return nil
}

func (p *planner) unadopt(a Adoption) error {
	current, ok := p.edits[a.File]
	if !ok {
		var err error
		if current, err = httpd.ReadFile(a.File); err != nil {
			return fmt.Errorf("undoing the adoption of %s: %w", a.Name, err)
		}
	}
	edited, err := a.undo(current)
	if err != nil {
		p.block(conf.Finding{Code: "edited", File: a.File, VHost: a.VHost, Fix: "tlskeeper apache uninstall",
			What: "changed by hand since " + a.Name + " was adopted; first put back its lines: " + strings.Join(a.oldTexts(), ", ")})
		return nil
	}
	p.edits[a.File] = edited
	p.overlay.unadopt(a, SitePath(p.s.Config, a.Name))
	return nil
}

// ownPaths: links first, then what they point at. Module links are apart: the
// admin's own hosts may use the modules by now.
func (p *planner) ownPaths() []string {
	var paths []string
	for link := range p.was.Links {
		if filepath.Base(filepath.Dir(link)) != "mods-enabled" {
			paths = append(paths, link)
		}
	}
	slices.Sort(paths)
	var files []string
	for file := range p.was.Files {
		files = append(files, file)
	}
	slices.Sort(files)
	return append(paths, files...)
}
