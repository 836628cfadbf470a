package certbot

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/acme"
	"tlskeeper/cmd/tlskeeper/internal/config"
)

// Plan is what an import would do. Plain data, but for the secrets.
type Plan struct {
	File         string   `json:"file"`         // our configuration
	Text         string   `json:"text"`         // to be appended to it
	Certificates []string `json:"certificates"` // taken over, by name
	Skipped      []string `json:"skipped"`      // ours already
	Accounts     []string `json:"accounts"`     // URLs, taken over
	NotCarried   []string `json:"not_carried"`  // each with the name that it is about
	Next         []string `json:"next"`         // lines to type

	lineages []Lineage // to be stored
	accounts []*Account
	before   string // the configuration as it was read
}

// Prepare reads certbot's host and says what an import into cfg would do. file
// is our configuration, whether it is there yet or not.
func Prepare(h *Host, cfg *config.Config, file string, webroots Webroots) (*Plan, error) {
	p := &Plan{File: file, Certificates: []string{}, Skipped: []string{}, Accounts: []string{}, NotCarried: []string{}}
	data, err := os.ReadFile(file)
	if err != nil && cfg.File != "" {
		return nil, fmt.Errorf("reading our configuration: %w", err)
	}
	p.before = string(data)
	var b strings.Builder
	if cfg.File == "" {
		b.WriteString(head(h))
	}
	p.challenges(h, cfg, webroots, &b)
	p.Text = b.String()
	p.common(h, cfg)
	p.next()
	if _, problems := config.Parse(file, p.before+p.Text, cfg.Paths); len(problems) > 0 {
		return nil, fmt.Errorf("the configuration would be wrong: %w", problems[0])
	}
	return p, nil
}

// challenges writes the sections of all lineages. A name is proven in one way,
// whichever certificate it is in, so names with a webroot of their own stand in
// [[challenge]] sections, once.
func (p *Plan) challenges(h *Host, cfg *config.Config, webroots Webroots, b *strings.Builder) {
	own := map[string]string{}
	for _, l := range h.Lineages {
		if _, known := cfg.Certificate(l.Name); known {
			p.Skipped = append(p.Skipped, l.Name)
			continue
		}
		c := carry(l, webroots)
		for _, name := range slices.Sorted(maps.Keys(c.others)) {
			if known := cmp.Or(own[name], challengeOf(cfg, name)); known != "" && known != c.others[name] {
				c.note("%s has the webroots %s and %s: the first stays", name, known, c.others[name])
				delete(c.others, name)
			}
		}
		text := certificateText(c)
		if _, problems := config.Parse(p.File, text, cfg.Paths); len(problems) > 0 && len(c.blocked) == 0 {
			c.block("%s", problems[0].Msg)
		}
		p.take(l, c, text, own, b)
	}
}

func challengeOf(cfg *config.Config, name string) string {
	if own := cfg.ChallengeFor(name); own != nil {
		return cmp.Or(own.Webroot, own.Challenge)
	}
	return ""
}

// take decides about one lineage.
func (p *Plan) take(l Lineage, c carried, text string, own map[string]string, b *strings.Builder) {
	for _, n := range slices.Concat(c.blocked, c.notes) {
		p.NotCarried = append(p.NotCarried, l.Name+": "+n)
	}
	if len(c.blocked) > 0 {
		b.WriteString(commented(c.blocked, text))
		return
	}
	b.WriteString(text)
	for _, name := range slices.Sorted(maps.Keys(c.others)) {
		if own[name] == "" {
			own[name] = c.others[name]
			fmt.Fprintf(b, "\n[[challenge]]\nnames = [%s]\nwebroot = %s\n", config.Quote(name), config.Quote(c.others[name]))
		}
	}
	p.Certificates = append(p.Certificates, l.Name)
	p.lineages = append(p.lineages, l)
	a := l.Account
	if a == nil {
		return
	}
	i := slices.IndexFunc(p.accounts, func(x *Account) bool { return x.Server == a.Server })
	switch {
	case i < 0:
		p.accounts = append(p.accounts, a)
		p.Accounts = append(p.Accounts, a.URL)
	case p.accounts[i].ID != a.ID:
		p.NotCarried = append(p.NotCarried, l.Name+": its account "+a.URL+"; renewals will use "+p.accounts[i].URL)
	}
}

// certificateText is the section of a certificate.
func certificateText(c carried) string {
	cert := c.cert
	var b strings.Builder
	fmt.Fprintf(&b, "\n[[certificate]]\nname = %s\n", config.Quote(cert.Name))
	quoted := make([]string, len(cert.Names))
	for i, n := range cert.Names {
		quoted[i] = config.Quote(n)
	}
	fmt.Fprintf(&b, "names = [%s]\n", strings.Join(quoted, ", "))
	for _, kv := range [][2]string{
		{"key_type", cert.KeyType}, {"challenge", cert.Challenge}, {"webroot", cert.Webroot}, {"listen", cert.Listen},
		{"dns_provider", cert.DNSProvider}, {"profile", cert.Profile}, {"preferred_chain", cert.PreferredChain},
	} {
		if kv[1] != "" {
			fmt.Fprintf(&b, "%s = %s\n", kv[0], config.Quote(kv[1]))
		}
	}
	if cert.ReuseKey {
		b.WriteString("reuse_key = true\n")
	}
	if cert.NeedsProfile {
		b.WriteString("profile_required = true\n")
	}
	return b.String()
}

// commented keeps the section of a certificate that lacks something, ready to
// be completed.
func commented(why []string, text string) string {
	var b strings.Builder
	b.WriteString("\n# Not taken over from certbot yet:\n")
	for _, w := range why {
		fmt.Fprintf(&b, "#   %s\n", strings.NewReplacer("\n", " ", "\r", " ").Replace(w))
	}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString("# " + line)
	}
	b.WriteString("\n")
	return b.String()
}

// head is the beginning of a new configuration: the CA of most certificates,
// whose terms the user accepted when certbot made the account.
func head(h *Host) string {
	count := map[string]int{}
	var contact string
	registered := false
	for _, l := range h.Lineages {
		count[l.Settings.Params["server"]]++
		if l.Account != nil && !registered {
			registered = true
			contact = strings.Join(l.Account.Contact[:min(1, len(l.Account.Contact))], "")
		}
	}
	delete(count, stagingServer())
	var b strings.Builder
	b.WriteString("# Taken over from certbot. `tlskeeper config example` explains every key.\n[acme]\n")
	fmt.Fprintf(&b, "agree_tos = %v # as certbot's account says\n", registered)
	if contact != "" {
		fmt.Fprintf(&b, "email = %s\n", config.Quote(contact))
	}
	if len(count) == 0 {
		return b.String()
	}
	server := slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b string) int { return count[a] - count[b] })
	if ca := acme.At(server); slices.Contains(config.Words("ca"), ca.Name) {
		fmt.Fprintf(&b, "ca = %s\n", config.Quote(ca.Name))
	} else if server != "" {
		fmt.Fprintf(&b, "directory = %s\n", config.Quote(server))
	}
	return b.String()
}

// common names what belongs to no certificate.
func (p *Plan) common(h *Host, cfg *config.Config) {
	for _, l := range p.lineages {
		if server := l.Settings.Params["server"]; !p.renewsAt(cfg, server) {
			p.NotCarried = append(p.NotCarried, l.Name+": its CA "+server+"; it will be renewed by the one of [acme]")
		}
	}
	for _, hook := range h.Hooks {
		p.NotCarried = append(p.NotCarried, "every certificate: the hook "+hook+"; ours stand under [hooks]")
	}
	if len(h.Defaults) > 0 {
		p.NotCarried = append(p.NotCarried, "every certificate: "+filepath.Join(h.Dir, "cli.ini")+" ("+strings.Join(h.Defaults, ", ")+")")
	}
}

// renewsAt tells whether a renewal will ask the CA with this directory.
func (p *Plan) renewsAt(cfg *config.Config, server string) bool {
	if cfg.File == "" {
		var problems []*config.Error
		if cfg, problems = config.Parse(p.File, p.Text, cfg.Paths); len(problems) > 0 {
			return true // and is told as such
		}
	}
	ca, _ := acme.Preset(cfg.ACME.CA)
	return cmp.Or(cfg.ACME.Directory, ca.Directory) == server
}

// Empty tells that there is nothing to do.
func (p *Plan) Empty() bool { return p.Text == "" && len(p.lineages) == 0 }

// Diff is the change of the configuration: it is only appended to.
func (p *Plan) Diff() string {
	if p.Text == "" {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", p.File, p.File)
	for line := range strings.Lines(p.Text) {
		b.WriteString("+" + line)
	}
	return b.String()
}
