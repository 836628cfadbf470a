package apacheconf

import (
	"os"
	"path/filepath"

	"tlskeeper/templates"
)

// defaultRoot is where Debian's and RHEL's first page lies.
const defaultRoot = "/var/www/html"

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// newVHost plans a complete virtual host in a file of its own. It needs a
// certificate of that name, and never becomes the first host of its address
// unseen: the rules look at that.
func (p *planner) newVHost() error {
	v := p.c.VHost
	if v == nil {
		return nil
	}
	site, _, err := p.activeSite(v.Name)
	if err != nil {
		return err
	}
	text, err := vhostText(p.s.cfg, *v)
	if err != nil {
		return err
	}
	if root := or(v.DocumentRoot, defaultRoot); v.Proxy == "" && !isDir(root) {
		p.block(Finding{Code: "document-root", File: root, What: "is no directory; nothing could be served from it", Fix: "tlskeeper apache vhost " + v.Name + " --document-root DIR"})
	}
	path := filepath.Join(p.s.cfg.EtcDir, "vhost-"+v.Name+".conf")
	effective := path
	switch p.s.Layout {
	case Debian:
		path = filepath.Join(p.s.ServerRoot, "sites-available", "tlskeeper-"+v.Name+".conf")
		effective = filepath.Join(p.s.ServerRoot, "sites-enabled", "tlskeeper-"+v.Name+".conf")
		if err := p.link(effective, "../sites-available/tlskeeper-"+v.Name+".conf"); err != nil {
			return err
		}
	case RHEL:
		path = filepath.Join(p.s.ServerRoot, "conf.d", "tlskeeper-"+v.Name+".conf")
		effective = path
	}
	if err := p.file(path, text); err != nil {
		return err
	}
	if !p.overlay.setFile(effective, text) {
		quoted, _ := templates.Quote(effective)
		p.block(Finding{Code: "no-include", File: p.s.ConfigFile, What: "nothing here reads " + effective, Fix: "IncludeOptional " + quoted})
	}
	p.overlay.expand(p.s.cfg.sitePath(v.Name), site)
	return nil
}

func vhostText(cfg Config, v NewVHost) ([]byte, error) {
	names := v.Names
	if len(names) == 0 {
		names = []string{v.Name}
	}
	return templates.VHost{Address: or(v.Address, "*:443"), ServerName: names[0], Aliases: names[1:],
		Include: cfg.sitePath(v.Name), DocumentRoot: or(v.DocumentRoot, defaultRoot), Proxy: v.Proxy}.Render()
}
