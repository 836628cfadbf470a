package apacheconf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// Valid ways to write addresses beside "*:PORT": by a host name, without a
// port, and both beside each other. Each is applied, and is no drift.
func TestAddressLayouts(t *testing.T) {
	t.Parallel()
	for _, extra := range []string{"localhost:PORT", "*", "127.0.0.1", "127.0.0.1:*", "_default_:PORT", "0.0.0.0:PORT", "nosuch.invalid:PORT", "192.0.2.1:PORT", "127.0.0.1 *:PORT"} {
		t.Run(extra, func(t *testing.T) {
			t.Parallel()
			r := makeRig(t, "")
			port := portOf(r.a.Addr())
			wild := strings.ReplaceAll(r.sites(), r.a.Addr(), "*:"+port)
			pair := r.issue("x", apachetest.Leaf{Names: []string{"x.test"}})
			r.writeSites(wild + fmt.Sprintf("<VirtualHost %s>\nServerName x.test\nSSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\n</VirtualHost>\n",
				strings.ReplaceAll(extra, "PORT", port), pair.CertFile, pair.KeyFile))
			conf := strings.Replace(read(r.a.ConfigFile), "Listen "+r.a.PlainAddr(), "Listen "+r.a.PlainAddr()+"\nListen 127.0.0.2:"+port, 1)
			must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
			r.start()
			if res := r.apply(Change{Profile: "intermediate"}); res.Proved == 0 {
				t.Error("nothing was proved")
			}
			if drift := r.status().Drift; len(drift) > 0 {
				t.Errorf("drift %+v", drift)
			}
		})
	}
}

// Hundreds of addresses, each of one virtual host.
func TestHundredsOfAddresses(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	port := portOf(r.a.Addr())
	var listen, sites strings.Builder
	dir, leaf := r.generation()
	sites.WriteString(r.sites())
	for i := range 400 {
		ip := fmt.Sprintf("127.50.%d.%d:%s", i/200, i%200+1, port)
		fmt.Fprintf(&listen, "Listen %s\n", ip)
		fmt.Fprintf(&sites, "<VirtualHost %s>\nServerName h%d.test\nSSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\n</VirtualHost>\n", ip, i, r.oldB.CertFile, r.oldB.KeyFile)
	}
	r.writeSites(sites.String())
	conf := strings.Replace(read(r.a.ConfigFile), "StartServers", listen.String()+"StartServers", 1)
	must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
	r.start()
	res := r.apply(Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}})
	if res.Proved < 400*2*2 {
		t.Errorf("proved %d", res.Proved)
	}
	r.serves("a.test", leaf)
	if drift := r.status().Drift; len(drift) > 0 {
		t.Errorf("drift %+v", drift[:min(3, len(drift))])
	}
	if left, _ := filepath.Glob(filepath.Join(r.cfg.StateDir, "tlskeeper-shadow-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
