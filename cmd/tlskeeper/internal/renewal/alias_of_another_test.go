package renewal

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/store"
	"tlskeeper/internal/testenv"
)

// An alias of our virtual host is also one of an earlier virtual host, which
// answers with its own certificate: ours is not served for each of its names.
func TestAliasAnsweredByAnother(t *testing.T) {
	testenv.Need(t, "apache2")
	h := newHost(t)
	before, err := os.ReadFile(h.apache.SitesFile)
	if err != nil {
		t.Fatal(err)
	}
	const alias = "alias.example.test"
	named := "ServerName " + site
	at := strings.LastIndex(string(before), "<VirtualHost")
	other := strings.Replace(string(before[at:]), named, "ServerName other.example.test\nServerAlias "+alias, 1)
	ours := strings.Replace(string(before[at:]), named, named+"\nServerAlias "+alias, 1)
	h.sites(string(before[:at]) + other + ours)
	h.believed([]string{site, alias})
	Run(h.ctx(), h.cfg, Options{Attended: true})
	h.adopt()
	h.notServed("for " + alias)
	after, err := os.ReadFile(h.apache.SitesFile)
	if err != nil {
		t.Fatal(err)
	}
	h.sites(strings.Replace(string(after), "other.example.test\nServerAlias "+alias, "other.example.test", 1))
	h.run(Options{})
	if h.state().DeployedAt.IsZero() || h.ca.Issued() != 1 {
		t.Errorf("%+v, %d certificates", h.state(), h.ca.Issued())
	}
}

// believed gives the host a CA that believes every challenge, and the
// certificate these names.
func (h *host) believed(names []string) {
	h.t.Helper()
	h.ca = acmetest.New(h.t, acmetest.Options{AlwaysValid: true})
	h.cfg.Requests[0].Names = names
	h.moveTo(h.cfg.Dir)
}

// sites replaces the virtual hosts.
func (h *host) sites(text string) {
	h.t.Helper()
	if err := os.WriteFile(h.apache.SitesFile, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
	if err := h.apache.Reload(h.ctx()); err != nil {
		h.t.Fatal(err)
	}
}

// One name of the certificate is no name of a virtual host of ours, but an
// alias of one that the certificate is not for.
func TestNameThatIsAliasOfAnotherOnly(t *testing.T) {
	testenv.Need(t, "apache2")
	h := newHost(t)
	before, err := os.ReadFile(h.apache.SitesFile)
	if err != nil {
		t.Fatal(err)
	}
	const taken, nowhere = "taken.example.test", "nowhere.example.test"
	named := "ServerName " + site
	at := strings.LastIndex(string(before), "<VirtualHost")
	other := strings.Replace(string(before[at:]), named, "ServerName other.example.test\nServerAlias "+taken, 1)
	h.sites(string(before) + other)
	h.believed([]string{site, taken, nowhere})
	Run(h.ctx(), h.cfg, Options{Attended: true})
	h.adopt()
	h.notServed("for " + taken)
	after, err := os.ReadFile(h.apache.SitesFile)
	if err != nil {
		t.Fatal(err)
	}
	h.sites(strings.Replace(string(after), "ServerAlias "+taken, "", 1))
	if o := h.run(Options{}).Certificates[0]; !o.Deployed {
		t.Errorf("%+v", o)
	}
	wait(t, func() bool { h.run(Options{}); _, ok := h.lastLook(); return ok })
	g, err := store.Open(h.cfg.Dir).Latest(site)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(slices.Values(Uncarried(h.conf, g))); !slices.Equal(got, []string{nowhere, taken}) {
		t.Errorf("no virtual host has %q", got)
	}
}
