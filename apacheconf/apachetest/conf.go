package apachetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// moduleDirs are where Debian and RHEL keep the modules.
var moduleDirs = []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"}

// baseModules are loaded in this order, where they are not built in.
var baseModules = []string{"mpm_event", "authz_core", "unixd", "log_config", "headers", "dir", "alias", "socache_shmcb", "ssl"}

func (a *Apache) main(o Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ServerRoot %q\nDefaultRuntimeDir %q\nPidFile %q\nErrorLog %q\n",
		a.Dir, filepath.Join(a.Dir, "run"), a.PidFile, a.ErrorLog)
	b.WriteString("ServerName localhost\nServerTokens Prod\n")
	for _, m := range append(append([]string{}, baseModules...), o.Modules...) {
		writeModule(&b, m)
	}
	if os.Geteuid() == 0 {
		b.WriteString("User www-data\nGroup www-data\n")
	}
	fmt.Fprintf(&b, "Listen 127.0.0.1:%d\nListen 127.0.0.1:%d\n", a.HTTPPort, a.TLSPort)
	b.WriteString("StartServers 2\nServerLimit 4\nThreadsPerChild 16\nMaxRequestWorkers 64\n")
	fmt.Fprintf(&b, "DocumentRoot %q\n<Directory %q>\n  Require all granted\n</Directory>\n", a.DocRoot, a.DocRoot)
	b.WriteString(o.Global)
	for _, path := range o.IncludeOptional {
		fmt.Fprintf(&b, "IncludeOptional %q\n", path)
	}
	fmt.Fprintf(&b, "Include %q\n", a.SitesFile)
	return b.String()
}

// writeModule loads a module, unless no file of that name exists: then it is
// built in, as unixd is on Debian.
func writeModule(b *strings.Builder, name string) {
	for _, dir := range moduleDirs {
		path := filepath.Join(dir, "mod_"+name+".so")
		if _, err := os.Stat(path); err == nil {
			fmt.Fprintf(b, "LoadModule %s_module %q\n", name, path)
			return
		}
	}
}

func (a *Apache) sites(hosts []VHost) string {
	var b strings.Builder
	for _, h := range hosts {
		port := a.TLSPort
		if h.Plain {
			port = a.HTTPPort
		}
		fmt.Fprintf(&b, "<VirtualHost 127.0.0.1:%d>\n  ServerName %s\n", port, h.Name)
		for _, alias := range h.Aliases {
			fmt.Fprintf(&b, "  ServerAlias %s\n", alias)
		}
		if !h.Plain {
			b.WriteString("  SSLEngine on\n")
		}
		if h.CertFile != "" {
			fmt.Fprintf(&b, "  SSLCertificateFile %q\n  SSLCertificateKeyFile %q\n", h.CertFile, h.KeyFile)
		}
		b.WriteString(h.Body)
		b.WriteString("</VirtualHost>\n")
	}
	return b.String()
}
