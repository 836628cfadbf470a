package plan

import (
	"fmt"
	"path/filepath"
	"slices"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/proof"
)

// modulesNeeded plans Debian's module links, as a2enmod makes them, and reads
// the configuration again as httpd will see it then: a module that appears
// opens the <IfModule> sections that waited for it.
func (p *planner) modulesNeeded() error {
	p.plan.Modules = slices.Clone(p.s.Modules)
	var first []string
	for _, m := range p.wanted() {
		files, err := p.module(m)
		if err != nil {
			return err
		}
		first = append(first, files...)
	}
	if len(first) == 0 {
		return nil
	}
	next, err := p.s.With(p.ctx, p.plan.Modules, first...)
	if err != nil {
		return fmt.Errorf("reading the configuration with more modules: %w", err)
	}
	if next.OpenSSL == "" {
		if next.OpenSSL, err = proof.OpenSSL(p.ctx, next); err != nil {
			return err
		}
	}
	p.s, p.overlay = next, newOverlay(next)
	return nil
}

// wanted are the modules that the change needs, what others depend on first.
func (p *planner) wanted() []string {
	var need []string
	ssl := p.profile != nil || p.c.LogOnly || p.c.VHost != nil
	if p.profile != nil || ssl && !p.s.Has("ssl_module") { // Debian's ssl.conf names the cache
		need = append(need, "socache_shmcb")
	}
	proxy := p.c.VHost != nil && p.c.VHost.Proxy != ""
	if hstsSeconds[p.c.HSTS] > 0 || proxy {
		need = append(need, "headers")
	}
	if proxy {
		need = append(need, "proxy", "proxy_http")
	}
	if len(p.c.Redirect) > 0 {
		need = append(need, "alias")
	}
	if ssl {
		need = append(need, "ssl")
	}
	return need
}

// module plans the links of one module, and returns what httpd would read for
// it.
func (p *planner) module(name string) ([]string, error) {
	if p.s.Has(name + "_module") {
		return nil, nil
	}
	dir := filepath.Join(p.s.ServerRoot, "mods-available")
	if p.s.Layout != httpd.Debian || !httpd.Exists(filepath.Join(dir, name+".load")) {
		p.block(conf.Finding{Code: "module", File: p.s.ConfigFile, What: "mod_" + name + " is not loaded", Fix: "load it, then plan again"})
		return nil, nil
	}
	p.plan.Modules = append(p.plan.Modules, name+"_module")
	var files []string
	for _, ext := range []string{".load", ".conf"} {
		if !httpd.Exists(filepath.Join(dir, name+ext)) {
			continue
		}
		files = append(files, filepath.Join(dir, name+ext))
		if err := p.link(filepath.Join(p.s.ServerRoot, "mods-enabled", name+ext), "../mods-available/"+name+ext); err != nil {
			return nil, err
		}
	}
	return files, nil
}
