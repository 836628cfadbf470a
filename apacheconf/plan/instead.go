package plan

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/templates"
)

// instead gives a host that was adopted for another certificate of ours the
// include of this one. The adoption becomes the new certificate's: undoing it
// still gives the admin's own lines back.
func (p *planner) instead(v conf.VHost, name string, text []byte) error {
	i := slices.IndexFunc(p.is.Adoptions, func(a Adoption) bool {
		return a.Name == v.Include && a.VHost == v.Name() && a.sectionFile() == httpd.Resolved(v.File)
	})
	if i < 0 || len(p.besides(v, v.Include)) > 0 {
		return p.insteadByHand(v, name)
	}
	edit := p.is.Adoptions[i]
	current, ok := p.edits[edit.File]
	if !ok {
		var err error
		if current, err = httpd.ReadFile(edit.File); err != nil {
			return fmt.Errorf("adopting %s: %w", name, err)
		}
	}
	was := edit.New
	if err := edit.rename(p.s.Config, name); err != nil {
		return err
	}
	edited, err := applyEdit(current, was, edit.New)
	if err != nil || bytes.Count(edited, []byte(edit.New)) != 1 || p.breaksOther(edit, current, edited) {
		return p.insteadByHand(v, name)
	}
	p.is.Adoptions = slices.Delete(p.is.Adoptions, i, i+1)
	p.record(edit, current)
	p.edits[edit.File] = edited
	p.overlay.instead(v, SitePath(p.s.Config, v.Include), SitePath(p.s.Config, name), text)
	return nil
}

// rename makes an adoption that of another certificate. Ours is the last Include
// of its text: what stands above it is there to make the text unique.
func (a *Adoption) rename(cfg httpd.Config, name string) error {
	was, err := templates.Quote(SitePath(cfg, a.Name))
	if err != nil {
		return err
	}
	is, err := templates.Quote(SitePath(cfg, name))
	if err != nil {
		return err
	}
	if at := strings.LastIndex(a.New, "Include "+was); at >= 0 {
		a.New = a.New[:at] + "Include " + is + a.New[at+len("Include "+was):]
	}
	a.Name = name
	return nil
}

// breaksOther: another adoption is found again by a text that holds this one.
func (p *planner) breaksOther(edit Adoption, current, edited []byte) bool {
	return slices.ContainsFunc(p.is.Adoptions, func(a Adoption) bool {
		ours := a.Serial == edit.Serial && a.Old == edit.Old
		return !ours && a.File == edit.File && bytes.Contains(current, []byte(a.New)) && !bytes.Contains(edited, []byte(a.New))
	})
}

// insteadByHand: the line is the admin's own, or was changed since.
func (p *planner) insteadByHand(v conf.VHost, name string) error {
	quoted, err := templates.Quote(SitePath(p.s.Config, name))
	if err != nil {
		return err
	}
	p.plan.Missing = append(p.plan.Missing, conf.Finding{Code: "adopt", Certificate: name, File: v.File, Line: v.Line, VHost: v.Name(), Fix: "Include " + quoted,
		What: "includes certificate " + v.Include + " by a line that we did not write as it is now; first `tlskeeper apache apply`, then replace that line by hand and reload Apache"})
	return nil
}

// instead puts the text of one include in the place of another's in one host.
func (o *overlay) instead(v conf.VHost, was, is string, text []byte) {
	for _, n := range conf.All(o.conf, "VirtualHost") {
		i := slices.IndexFunc(n.Children, func(c *conf.Node) bool { return c.File == was })
		if n.File != v.File || n.Line != v.Line || i < 0 {
			continue
		}
		n.Children = slices.DeleteFunc(n.Children, func(c *conf.Node) bool { return c.File == was })
		n.Children = slices.Insert(n.Children, i, conf.ParseOwn(text, is, o.modules)...)
	}
}

// unserved is about a certificate that no virtual host could take, because
// there is none or each serves another one of ours.
func (p *planner) unserved(name string, leaf *x509.Certificate, other string) conf.Finding {
	f := conf.Finding{Code: "no-vhost", Certificate: name, File: p.s.ConfigFile,
		What: "no TLS virtual host serves a name of certificate " + name + " (" + strings.Join(leaf.DNSNames, ", ") + ")",
		Fix:  vhostCommand(name, leaf)}
	if other != "" {
		f.What = "the virtual hosts that certificate " + name + " is valid for serve certificate " + other + "; leave one of the two out of the configuration, or switch"
		f.Fix = "tlskeeper apache adopt " + name + " --instead"
	}
	return f
}
