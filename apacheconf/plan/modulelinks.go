package plan

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/filechange"
)

// enables tells whether the plan makes this link in mods-enabled.
func (p *planner) enables(file string) bool {
	path := filepath.Join(p.s.ServerRoot, "mods-enabled", file)
	return slices.ContainsFunc(p.plan.Files, func(f filechange.Change) bool { return f.Path == path && f.New != nil })
}

// idleTLS refuses to enable mod_ssl where no virtual host would use it: it
// only wakes the "Listen 443" of ports.conf, and plain HTTP answers there.
func (p *planner) idleTLS() error {
	if !p.enables("ssl.load") || slices.ContainsFunc(conf.Hosts(p.overlay.conf, p.s.Config.EtcDir), func(v conf.VHost) bool { return v.TLS }) {
		return nil
	}
	fix := "a2ensite default-ssl"
	for _, name := range slices.Sorted(maps.Keys(p.c.Generations)) {
		fix = "tlskeeper apache vhost " + name
	}
	p.block(conf.Finding{Code: "no-tls-host", File: p.s.ConfigFile, Fix: fix,
		What: "no virtual host uses TLS; enabling mod_ssl alone would open its port for plain HTTP. First make one (" + fix + ")"})
	return nil
}

// moduleLinks gives back the modules that we enabled. mod_ssl and its cache go
// when nothing uses them; of the others an .htaccess may make use by now, which
// no dump shows, so a person decides.
func (p *planner) moduleLinks() error {
	idle := !p.usesSSL()
	var stay []string
	for _, link := range slices.Sorted(maps.Keys(p.was.Links)) {
		name, isLoad := strings.CutSuffix(filepath.Base(link), ".load")
		name = strings.TrimSuffix(name, ".conf")
		switch {
		case filepath.Base(filepath.Dir(link)) != "mods-enabled":
		case idle && (name == "ssl" || name == "socache_shmcb"):
			if err := p.removeModule(name, link); err != nil {
				return err
			}
		case isLoad:
			stay = append(stay, name)
		}
	}
	if len(stay) > 0 {
		p.warn(conf.Finding{Code: "modules", File: filepath.Join(p.s.ServerRoot, "mods-enabled"), Fix: "a2dismod " + strings.Join(stay, " "),
			What: "modules that we enabled stay, because something may use them by now: " + strings.Join(stay, ", ")})
	}
	return nil
}

func (p *planner) removeModule(name, link string) error {
	f, err := filechange.PlanRemoval(link)
	if err != nil {
		return err
	}
	p.add(f)
	p.overlay.setFile(link, nil)
	loaded := p.plan.Modules
	if loaded == nil {
		loaded = p.s.Modules
	}
	p.plan.Modules = slices.DeleteFunc(slices.Clone(loaded), func(m string) bool { return m == name+"_module" })
	return nil
}

// usesSSL looks for anything of mod_ssl's outside its own configuration file:
// a directive, one of its variables, or the shared cache.
func (p *planner) usesSSL() bool {
	own := filepath.Join(p.s.ServerRoot, "mods-enabled", "ssl.conf")
	var uses func([]*conf.Node) bool
	uses = func(nodes []*conf.Node) bool {
		return slices.ContainsFunc(nodes, func(n *conf.Node) bool {
			text := strings.ToLower(n.Text())
			return n.File != own && (strings.HasPrefix(text, "ssl") || strings.Contains(text, "ssl_") || strings.Contains(text, "shmcb") || strings.Contains(text, "}x") || uses(n.Children))
		})
	}
	return uses(p.overlay.conf) || p.waitsForSSL()
}

// waitsForSSL: a host in <IfModule ssl_module> would vanish with the module.
func (p *planner) waitsForSSL() bool {
	return slices.ContainsFunc(p.overlay.conf, func(n *conf.Node) bool {
		if !n.Is("VirtualHost") {
			return false
		}
		text, err := httpd.ReadFile(n.File)
		lower := strings.ToLower(string(text))
		return err != nil || strings.Contains(lower, "<ifmodule ssl_module>") || strings.Contains(lower, "<ifmodule mod_ssl.c>")
	})
}
