package apacheconf

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/filechange"
)

// plainHTTP asks the plain port, and follows nothing.
func (r *rig) plainHTTP(host, path string) *http.Response {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.a.PlainAddr()+path, nil)
	must(err)
	req.Host = host
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// trialBegan moves the beginning of a redirect's trial into the past; no time
// at all is how a manifest of before trials has it.
func (r *rig) trialBegan(site string, ago time.Duration) {
	r.t.Helper()
	m, err := plan.Installed(r.cfg)
	must(err)
	m.RedirectSince[site] = time.Now().Add(-ago)
	if ago == 0 {
		delete(m.RedirectSince, site)
	}
	text, err := json.Marshal(m)
	must(err)
	must(filechange.Put(plan.ManifestPath(r.cfg), &filechange.State{Data: text, Mode: 0o600, UID: -1, GID: -1}))
}

// A redirect is one that browsers forget for a week. Each site has a week of its
// own, and a new one when it was taken out.
func TestRedirectOnTrial(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	to := func(sites ...string) Change { return Change{Profile: "intermediate", Redirect: sites} }
	wire := func(site string, want int) {
		t.Helper()
		if got := r.plainHTTP(site, "/"); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", site, got.StatusCode, want)
		}
	}
	r.apply(to("a.test"))
	wire("a.test", http.StatusTemporaryRedirect)
	_, p := r.plan(to("a.test"))
	soon := time.Now().Add(7 * 24 * time.Hour).UTC().Format("2006-01-02T")
	if !p.Empty() || !slices.ContainsFunc(p.Warnings, func(f Finding) bool { return f.Code == "redirect-ramp" && strings.Contains(f.What, soon) }) {
		t.Errorf("at once: %s\n%v", p.Diff(), p.Warnings)
	}
	r.trialBegan("a.test", 7*24*time.Hour-time.Hour)
	if r.apply(to("a.test")).Changed {
		t.Error("an hour too early")
	}
	r.trialBegan("a.test", 7*24*time.Hour+time.Second)
	r.apply(to("a.test", "b.test"))
	wire("a.test", http.StatusPermanentRedirect)
	wire("b.test", http.StatusTemporaryRedirect)
	if _, p := r.plan(to("a.test", "b.test")); !p.Empty() {
		t.Errorf("again: %s", p.Diff())
	}
	r.apply(to("b.test"))
	wire("a.test", http.StatusOK)
	r.apply(to("a.test"))
	wire("a.test", http.StatusTemporaryRedirect)
	r.trialBegan("a.test", 0)
	r.apply(to("a.test"))
	wire("a.test", http.StatusPermanentRedirect)
}

// A redirect to a name that nobody serves, or of one that nobody has in clear.
func TestRedirectToNobody(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "\tServerAlias *.wild.test\n")
	plain := "\n<VirtualHost " + r.a.PlainAddr() + ">\nServerName plainonly.test\nServerAlias ?.wild.test\n</VirtualHost>\n"
	r.writeSites(r.sites() + plain)
	_, p := r.plan(Change{Profile: "intermediate", Redirect: []string{"plainonly.test", "www.a.test", "a.test", "A.wild.test"}})
	got := map[string]string{}
	for _, f := range p.Warnings {
		if strings.HasPrefix(f.Code, "redirect-") && f.Code != "redirect-ramp" {
			got[f.VHost] += f.Code
		}
	}
	if len(got) != 2 || got["plainonly.test"] != "redirect-nowhere" || got["www.a.test"] != "redirect-unused" {
		t.Errorf("warnings %v", got)
	}
}
