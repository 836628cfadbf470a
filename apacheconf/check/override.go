package check

import (
	"fmt"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
)

// overrides: any line of a virtual host, and a later server line, wins over
// our policy.
func (p *planned) overrides(v conf.VHost) {
	set := v.Settings
	for _, d := range []struct {
		name string
		dir  conf.Directive
	}{{"SSLProtocol", set.Protocol}, {"SSLCipherSuite", set.Suites12}, {"SSLCipherSuite TLSv1.3", set.Suites13},
		{"SSLOpenSSLConfCmd groups", set.Groups}, {"SSLHonorCipherOrder", set.ServerOrder}, {"SSLSessionTickets", set.Tickets}} {
		if d.dir.File == "" || d.dir.File == p.Effective {
			continue
		}
		f := conf.Finding{Code: "override", File: d.dir.File, Line: d.dir.Line, VHost: v.Name(),
			What: fmt.Sprintf("%s %s wins over the profile", d.name, d.dir.Value)}
		if d.name == "SSLOpenSSLConfCmd groups" && dropsPostQuantum(d.dir.Value, p.Server.OpenSSL) {
			f.What += " and switches post-quantum key exchange off"
		}
		if !slices.Contains(p.warned, f) {
			p.warn(f)
		}
	}
}

// dropsPostQuantum: OpenSSL 3.5 has hybrid groups and offers them by itself; a
// list of groups without one switches them off. DEFAULT in a list stands for
// OpenSSL's own. Source: SSL_CTX_set1_groups_list(3).
func dropsPostQuantum(groups, openSSL string) bool {
	upper := strings.ToUpper(groups)
	return conf.AtLeast(openSSL, "3.5.0") && groups != "" && !strings.Contains(upper, "MLKEM") && !strings.Contains(upper, "DEFAULT")
}
