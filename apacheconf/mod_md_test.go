package apacheconf

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/apacheconf/probe"
)

// A host whose certificate comes from mod_md: the shadow does without the
// module and without the network, the host is warned of, and goes on serving.
func TestHostOfModMD(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	pair := r.issue("m", apachetest.Leaf{Names: []string{"m.test"}, KeyType: "rsa2048"})
	must(os.WriteFile(r.a.ConfigFile, []byte(loadModule("md")+read(r.a.ConfigFile)+fmt.Sprintf(
		"<MDomainSet m.test>\nMDCertificateFile %s\nMDCertificateKeyFile %s\n</MDomainSet>\n", pair.CertFile, pair.KeyFile)), 0o644))
	r.writeSites(r.sites() + "<VirtualHost " + r.a.Addr() + ">\nServerName m.test\nSSLEngine on\n</VirtualHost>\n")
	r.start()
	r.serves("m.test", pair.Leaf)
	_, p := r.plan(Change{Profile: "intermediate"})
	if !slices.ContainsFunc(p.Warnings, func(f Finding) bool { return f.Code == "mod_md" && f.VHost == "m.test" && f.File == r.a.SitesFile }) {
		t.Errorf("warnings %+v", p.Warnings)
	}
	r.apply(Change{LogOnly: true})
	r.apply(Change{Profile: "intermediate"})
	r.serves("m.test", pair.Leaf)
	if drift := r.status().Drift; len(drift) > 0 {
		t.Errorf("drift %+v", drift)
	}
	if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
		t.Fatal(err)
	}
	r.serves("m.test", pair.Leaf)

	// A host beside it that mod_md does not know is broken as ever.
	r.writeSites(r.sites() + "<VirtualHost " + r.a.Addr() + ">\nServerName other.test\nSSLEngine on\n</VirtualHost>\n")
	_, err := r.try(Change{Profile: "modern"})
	refused := asRefused(t, err)
	if !strings.Contains(lineOf(r.sites(), refused.Findings[0].Line), "SSLEngine") || !strings.Contains(err.Error(), "AH02572") {
		t.Error(err)
	}
	if _, _, err := probe.Leaf(t.Context(), probe.Target{Addr: r.a.Addr(), SNI: "m.test"}, ""); err != nil {
		t.Error(err)
	}
}
