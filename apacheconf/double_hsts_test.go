package apacheconf

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// A header of the admin's, wherever it stands: the plan warns of it exactly
// where the wire then shows something else than ours.
func TestHSTSBesideOurs(t *testing.T) {
	t.Parallel()
	const own = " Strict-Transport-Security max-age=9"
	for name, c := range map[string]struct {
		vhost, before, after string // lines of a.test, and of the server before and after our file
		code                 string // "" where nothing is to be said
		wire                 []string
	}{
		"set in the virtual host":     {vhost: "Header set" + own, code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"onsuccess setifempty":        {vhost: "Header onsuccess setifempty" + own, code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"append":                      {vhost: "Header append" + own, code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"merge, with a colon":         {vhost: "Header merge strict-transport-security: max-age=9", code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"always set":                  {vhost: "Header always set" + own, code: "override", wire: []string{"max-age=9"}},
		"always add":                  {vhost: "Header always add" + own, code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"always append":               {vhost: "Header always append" + own, code: "double-hsts", wire: []string{"max-age=300, max-age=9"}},
		"always merge":                {vhost: "Header always merge" + own, code: "double-hsts", wire: []string{"max-age=300, max-age=9"}},
		"always setifempty":           {vhost: "Header always setifempty" + own, wire: []string{"max-age=300"}},
		"always unset":                {vhost: "Header always unset Strict-Transport-Security", code: "override"},
		"unset":                       {vhost: "Header unset Strict-Transport-Security", wire: []string{"max-age=300"}},
		"in a location":               {vhost: "<Location />\nHeader set" + own + "\n</Location>", code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"in an if in a directory":     {vhost: "<Directory />\n<If \"true\">\nHeader set" + own + "\n</If>\n</Directory>", code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"in the server before":        {before: "Header set" + own, code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"in the server after":         {after: "Header set" + own, code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"always, in the server after": {after: "Header always set" + own, code: "override", wire: []string{"max-age=9"}},
		"always, in the server first": {before: "Header always set" + own, wire: []string{"max-age=300"}},
		"in a location of the server": {before: "<Location />\nHeader always add" + own + "\n</Location>", code: "double-hsts", wire: []string{"max-age=300", "max-age=9"}},
		"another header":              {vhost: "Header set X-Why \"no Strict-Transport-Security\"", wire: []string{"max-age=300"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := makeRig(t, c.vhost+"\n")
			r.writeSites(c.after + "\n" + r.sites())
			main := r.mainConf()
			at := strings.Index(main, "IncludeOptional")
			must(os.WriteFile(r.a.ConfigFile, []byte(main[:at]+c.before+"\n"+main[at:]), 0o644))
			r.start()
			change := Change{Profile: "intermediate", HSTS: "5m"}
			_, p := r.plan(change)
			var got []string
			for _, f := range p.Warnings {
				if strings.Contains(f.What, "Strict-Transport-Security") {
					got = append(got, f.Code)
					text, err := os.ReadFile(f.File)
					if lines := strings.Split(string(text), "\n"); err != nil || !strings.Contains(strings.ToLower(lines[f.Line-1]), "strict-") {
						t.Errorf("place %s", f.Place())
					}
				}
			}
			if want := slices.DeleteFunc([]string{c.code}, func(s string) bool { return s == "" }); !slices.Equal(got, want) {
				t.Errorf("warnings %q, want %q\n%v", got, want, p.Warnings)
			}
			r.apply(change)
			if wire := requestHTTPS(t, r).Values("Strict-Transport-Security"); fmt.Sprint(wire) != fmt.Sprint(c.wire) {
				t.Errorf("on the wire: %q, want %q", wire, c.wire)
			}
		})
	}
}

func (r *rig) mainConf() string {
	r.t.Helper()
	text, err := os.ReadFile(r.a.ConfigFile)
	must(err)
	return string(text)
}
