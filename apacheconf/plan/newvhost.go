package plan

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/templates"
)

// defaultRoot is where Debian's and RHEL's first page lies.
const defaultRoot = "/var/www/html"

// newVHost plans a complete virtual host in a file of its own. It needs a
// certificate of that name, and never becomes the first host of its address
// unseen: the checks look at that.
func (p *planner) newVHost() error {
	v := p.c.VHost
	if v == nil {
		return nil
	}
	site, _, err := p.activeSite(v.Name)
	if err != nil {
		return err
	}
	text, err := v.text(SitePath(p.s.Config, v.Name))
	if err != nil {
		return err
	}
	if root := cmp.Or(v.DocumentRoot, defaultRoot); v.Proxy == "" && !httpd.IsDir(root) {
		p.block(conf.Finding{Code: "document-root", File: root, What: "is not a directory; nothing could be served from it", Fix: "tlskeeper apache vhost " + v.Name + " --document-root DIR"})
	}
	path, effective := p.vhostFile(*v)
	if path != effective {
		if err := p.link(effective, "../sites-available/"+filepath.Base(path)); err != nil {
			return err
		}
	}
	if err := p.file(path, text); err != nil {
		return err
	}
	p.is.Files[path] = handedOver
	if !p.overlay.setFile(effective, text) {
		quoted, _ := templates.Quote(effective)
		p.block(conf.Finding{Code: "no-include", File: p.s.ConfigFile, What: "nothing here reads " + effective, Fix: "IncludeOptional " + quoted})
	}
	p.overlay.expand(SitePath(p.s.Config, v.Name), site)
	return nil
}

// vhostFile chooses the file of a new host, and the path by which httpd reads
// it. httpd takes the files of a directory in the order of their names, so a
// name is chosen that comes after the first host of the address; the file that
// an earlier run made keeps its name.
func (p *planner) vhostFile(v NewVHost) (path, effective string) {
	if p.s.Layout != httpd.Debian && p.s.Layout != httpd.RHEL {
		path = filepath.Join(p.s.Config.EtcDir, "vhost-"+v.Name+".conf")
		return path, path
	}
	prefixes := []string{"", "zz-", "zzz-", "zzzz-"}
	good := slices.IndexFunc(prefixes, func(prefix string) bool {
		path, _ := p.vhostNamed(prefix, v.Name)
		return p.was.Files[path] != ""
	})
	if good < 0 {
		good = slices.IndexFunc(prefixes, func(prefix string) bool {
			_, effective := p.vhostNamed(prefix, v.Name)
			return p.afterFirst(effective, cmp.Or(v.Address, defaultAddress))
		})
	}
	return p.vhostNamed(prefixes[max(good, 0)], v.Name)
}

func (p *planner) vhostNamed(prefix, name string) (path, effective string) {
	file := prefix + "tlskeeper-" + name + ".conf"
	if p.s.Layout == httpd.Debian {
		return filepath.Join(p.s.ServerRoot, "sites-available", file), filepath.Join(p.s.ServerRoot, "sites-enabled", file)
	}
	path = filepath.Join(p.s.ServerRoot, "conf.d", file)
	return path, path
}

// afterFirst: httpd would read path after the host that is the first of the
// address now.
func (p *planner) afterFirst(path, address string) bool {
	first, taken := conf.FirstHosts(p.s.VHosts)[conf.Canonical(address)]
	at, read := p.s.Slot(path)
	return !taken || !read || conf.Before(p.s.Position(first.Node.UseFile, first.Node.UseLine), at)
}

// handedOver stands in the manifest for the content of a file that is the
// admin's to edit, as its first line says: no edit of it is drift.
const handedOver = "*"

const defaultAddress = "*:443"

// Check says what of the request cannot be written as a virtual host.
func (v NewVHost) Check() error {
	_, err := v.text("/include")
	return err
}

// text renders the host. A wildcard is no ServerName for httpd, but an alias.
func (v NewVHost) text(include string) ([]byte, error) {
	names := v.Names
	if len(names) == 0 {
		names = []string{v.Name}
	}
	plain := slices.IndexFunc(names, func(n string) bool { return !strings.HasPrefix(n, "*") })
	if plain < 0 {
		return nil, errors.New("all names are wildcards (" + strings.Join(names, ", ") + "), and a virtual host needs a plain one")
	}
	return templates.VHost{Address: cmp.Or(v.Address, defaultAddress), ServerName: names[plain], Aliases: slices.Delete(slices.Clone(names), plain, plain+1),
		Include: include, DocumentRoot: cmp.Or(v.DocumentRoot, defaultRoot), Proxy: v.Proxy}.Render()
}
