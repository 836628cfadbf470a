package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/testenv"
)

// Everything that a configuration can name, each given away.
func TestNamedByTheConfigurationAndOfAnotherUser(t *testing.T) {
	testenv.NeedRoot(t)
	for subject, set := range map[string]func(*config.Config, string){
		"hook pre":                    func(c *config.Config, p string) { c.Hooks.Pre = []string{p} },
		"hook deploy":                 func(c *config.Config, p string) { c.Hooks.Deploy = []string{"/bin/sh", p} },
		"hook post":                   func(c *config.Config, p string) { c.Hooks.Post = []string{p, "x"} },
		"start_command":               func(c *config.Config, p string) { c.Apache.StartCommand = []string{p} },
		"dns_exec of a":               func(c *config.Config, p string) { c.Certificates = []config.Certificate{{Name: "a", DNSExec: p}} },
		"dns_exec of challenge 1":     func(c *config.Config, p string) { c.Challenges = []config.Challenge{{DNSExec: p}} },
		"csr of a":                    func(c *config.Config, p string) { c.Certificates = []config.Certificate{{Name: "a", CSR: p}} },
		"csr_key of a":                func(c *config.Config, p string) { c.Certificates = []config.Certificate{{Name: "a", CSRKey: p}} },
		"ca_file":                     func(c *config.Config, p string) { c.ACME.CAFile = p },
		"eab_hmac_file":               func(c *config.Config, p string) { c.ACME.EABHMACFile = p },
		"ca_file of fallback 1":       func(c *config.Config, p string) { c.Fallbacks = []config.Fallback{{CAFile: p}} },
		"eab_hmac_file of fallback 1": func(c *config.Config, p string) { c.Fallbacks = []config.Fallback{{EABHMACFile: p}} },
		"binary":                      func(c *config.Config, p string) { c.Apache.Binary = p },
	} {
		t.Run(subject, func(t *testing.T) {
			cfg := host(t, Answers{})
			path := filepath.Join(t.TempDir(), "named")
			write(t, path, "#!/bin/sh\n", 0o700)
			set(cfg, path)
			if got := bad(append(CheckTrust(cfg), CheckHost(cfg)...)); got != "" {
				t.Fatalf("before: %s", got)
			}
			if err := os.Chown(path, 65534, -1); err != nil {
				t.Fatal(err)
			}
			for name, got := range map[string]string{"check": bad(CheckHost(cfg)), "config check": bad(CheckTrust(cfg))} {
				if !strings.Contains(got, "fail "+subject+": "+path+": others may change it") {
					t.Errorf("%s: %s", name, got)
				}
			}
		})
	}
}
