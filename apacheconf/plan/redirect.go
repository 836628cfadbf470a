package plan

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
			p.warn(conf.Finding{Code: "redirect-ramp", File: GlobalPath(p.s), Fix: "tlskeeper apache apply",
				What: fmt.Sprintf("the redirect of %s is temporary (307), which browsers forget; the first apply after %s makes it permanent (308)", site, end.Format(time.RFC3339))})
		}
	}
}

// redirectLines are the redirects as they are to be written now.
func (m Manifest) redirectLines(now time.Time) []templates.Redirect {
	var out []templates.Redirect
	for _, site := range m.Redirect {
		since, timed := m.RedirectSince[site]
		out = append(out, templates.Redirect{Site: site, Permanent: !timed || !now.Before(since.Add(redirectTrial))})
	}
	return out
}
