package apacheconf

import (
	"fmt"
	"slices"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/templates"
)

// redirectTrial is how long a redirect is temporary. Browsers remember a 308
// and ask HTTPS from then on, whatever we undo here; a 307 they forget at once
// (RFC 9110, 15.4.8 and 15.4.9).
const redirectTrial = 7 * 24 * time.Hour

// redirects sets the planned redirects: each site begins on trial, and one that
// was taken out begins anew. A site without a time is from before there were
// trials, and permanent.
func (p *planner) redirects() {
	p.is.Redirect, p.is.RedirectSince = p.c.Redirect, nil
	now := time.Now().UTC().Truncate(time.Second)
	for _, site := range p.c.Redirect {
		since, timed := p.was.RedirectSince[site]
		if !timed && slices.Contains(p.was.Redirect, site) {
			continue
		}
		if !timed {
			since = now
		}
		if p.is.RedirectSince == nil {
			p.is.RedirectSince = map[string]time.Time{}
		}
		p.is.RedirectSince[site] = since
		if end := since.Add(redirectTrial); now.Before(end) {
			p.warn(conf.Finding{Code: "redirect-ramp", File: p.s.globalPath(), Fix: "tlskeeper apache apply",
				What: fmt.Sprintf("the redirect of %s is temporary (307), which browsers forget; the first apply after %s makes it permanent (308)", site, end.Format(time.RFC3339))})
		}
	}
}

// redirectLines are the redirects as they are to be written now.
func (m manifest) redirectLines(now time.Time) []templates.Redirect {
	var out []templates.Redirect
	for _, site := range m.Redirect {
		since, timed := m.RedirectSince[site]
		out = append(out, templates.Redirect{Site: site, Permanent: !timed || !now.Before(since.Add(redirectTrial))})
	}
	return out
}

// redirectTargets: a redirect needs somebody on both sides. A visitor who is
// sent to a name that no TLS virtual host has gets the certificate of another.
func (p *planner) redirectTargets() {
	hosts := conf.Hosts(p.overlay.conf, p.s.cfg.EtcDir)
	has := func(site string, tls bool) bool {
		return slices.ContainsFunc(hosts, func(v conf.VHost) bool { return v.TLS == tls && v.Answers(site) })
	}
	for _, site := range p.is.Redirect {
		if !has(site, true) {
			p.warn(conf.Finding{Code: "redirect-nowhere", File: p.s.globalPath(), VHost: site, Fix: "tlskeeper apache vhost " + site,
				What: "is redirected to HTTPS, and no TLS virtual host has this name: visitors would see the certificate of another site. Make one, or take it out of redirect"})
		}
		if !has(site, false) {
			p.warn(conf.Finding{Code: "redirect-unused", File: p.s.globalPath(), VHost: site,
				What: "is to be redirected from plain HTTP, and no plain virtual host has this name: only what answers there in its place would redirect it"})
		}
	}
}
