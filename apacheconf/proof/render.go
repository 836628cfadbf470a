package proof

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// shadowModules are what TLS needs; of these, what the live server has.
var shadowModules = []string{"mpm_event", "mpm_worker", "mpm_prefork", "unixd", "authz_core", "socache_shmcb", "socache_dbm", "http2", "proxy", "ssl"}

// writeShadow renders conf for loopback.
func writeShadow(s *httpd.Server, sh *shadow, tree []*conf.Node, modules []string) error {
	var err error
	if sh.addr, err = arrange(tree); err != nil {
		return err
	}
	sh.units, sh.managed = shadowUnits(tree), conf.Managed(tree, modules)
	if len(sh.managed) > 0 {
		if err := sh.throwAway(); err != nil {
			return err
		}
	}
	var b strings.Builder
	shadowHead(s, &b, sh, modules)
	for i, u := range sh.units {
		writeUnit(s, &b, sh, i, u)
	}
	return os.WriteFile(filepath.Join(sh.dir, "shadow.conf"), []byte(b.String()), 0o600)
}

func writeUnit(s *httpd.Server, b *strings.Builder, sh *shadow, i int, u unit) {
	if i == 0 {
		writeNodes(s, b, u.nodes)
		return
	}
	fmt.Fprintf(b, "<VirtualHost %s>\nErrorLog error-%d.log\n", sh.mapped(u), i)
	if u.client {
		b.WriteString("SSLEngine off\n")
	}
	if nodes := u.nodes; sh.managed[u.host] && !u.client {
		writeNodes(s, b, slices.DeleteFunc(slices.Clone(nodes), conf.IsCertificate)) // mod_md's own wins over these
		fmt.Fprintf(b, "SSLCertificateFile %s\n", conf.Quote(filepath.Join(sh.dir, throwAwayFile)))
	} else {
		writeNodes(s, b, nodes)
	}
	if len(u.section) > 0 {
		b.WriteString("<Proxy \"*\">\n") // whatever it is for: only its settings are tried
		writeNodes(s, b, u.section)
		b.WriteString("</Proxy>\n")
	}
	b.WriteString("</VirtualHost>\n")
}

func (sh *shadow) mapped(u unit) string {
	if u.client {
		return sh.addr.spare.String()
	}
	var out []string
	for _, a := range u.host.Words() {
		out = append(out, sh.addr.written(a)...)
	}
	return strings.Join(out, " ")
}

func shadowHead(s *httpd.Server, b *strings.Builder, sh *shadow, modules []string) {
	fmt.Fprintf(b, "ServerRoot %q\nDefaultRuntimeDir %q\nPidFile shadow.pid\nErrorLog error-0.log\nServerName localhost\nLogLevel notice\n", sh.dir, sh.dir)
	for _, m := range shadowModules {
		path := filepath.Join(s.ModuleDir, "mod_"+m+".so")
		if slices.Contains(modules, m+"_module") && httpd.Exists(path) {
			fmt.Fprintf(b, "LoadModule %s_module %q\n", m, path)
		}
	}
	for _, name := range []string{"User", "Group"} {
		if n := conf.Last(s.Conf, name); n != nil && os.Geteuid() == 0 {
			fmt.Fprintf(b, "%s\n", n.Text())
		}
	}
	for _, a := range sh.addr.pairs {
		fmt.Fprintf(b, "Listen %s http\n", a)
	}
	b.WriteString("StartServers 1\nServerLimit 2\n")
	if slices.Contains(modules, "mpm_prefork_module") {
		b.WriteString("MaxRequestWorkers 2\n")
	} else {
		b.WriteString("ThreadsPerChild 16\nMaxRequestWorkers 32\nMinSpareThreads 1\nMaxSpareThreads 32\n")
	}
}

// pathArgs are mod_ssl's directives whose argument is a path relative to the
// live ServerRoot.
var pathArgs = map[string]bool{
	"sslcertificatefile": true, "sslcertificatekeyfile": true, "sslcertificatechainfile": true,
	"sslcacertificatefile": true, "sslcacertificatepath": true, "sslcadnrequestfile": true, "sslcadnrequestpath": true,
	"sslcarevocationfile": true, "sslcarevocationpath": true, "sslsessionticketkeyfile": true,
	"sslproxymachinecertificatefile": true, "sslproxymachinecertificatepath": true, "sslproxymachinecertificatechainfile": true,
	"sslproxycacertificatefile": true, "sslproxycacertificatepath": true, "sslproxycarevocationfile": true, "sslproxycarevocationpath": true,
	"sslocsprespondercertificatefile": true,
}

// cacheArg splits "shmcb:path(size)".
var cacheArg = regexp.MustCompile(`^(shmcb|dbm):.*?(\(\d+\))?$`)

func writeNodes(s *httpd.Server, b *strings.Builder, nodes []*conf.Node) {
	for _, n := range nodes {
		b.WriteString(shadowLine(s, n))
		b.WriteByte('\n')
	}
}

// shadowLine is the directive as the shadow needs it: paths absolute, caches
// of its own, stapling that asks nobody.
func shadowLine(s *httpd.Server, n *conf.Node) string {
	name := strings.ToLower(n.Name)
	switch {
	case pathArgs[name]:
		return fmt.Sprintf("%s %s", n.Name, conf.Quote(conf.Abs(s.ServerRoot, n.Arg(0))))
	case name == "sslsessioncache" || name == "sslstaplingcache":
		if m := cacheArg.FindStringSubmatch(n.Arg(0)); m != nil {
			return fmt.Sprintf("%s %s:%s-cache%s", n.Name, m[1], name, m[2])
		}
		return n.Text()
	case name == "sslusestapling" && strings.EqualFold(n.Arg(0), "on"):
		return n.Text() + "\nSSLStaplingForceURL http://127.0.0.1:9/\nSSLStaplingResponderTimeout 1"
	case name == "sslopensslconfcmd" && isFileCommand(n.Arg(0)):
		return fmt.Sprintf("%s %s %s", n.Name, n.Arg(0), conf.Quote(conf.Abs(s.ServerRoot, n.Arg(1))))
	}
	return n.Text()
}

func isFileCommand(word string) bool {
	word = strings.ToLower(word)
	return strings.HasSuffix(word, "file") || word == "dhparameters"
}
