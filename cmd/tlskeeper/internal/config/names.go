package config

import (
	"fmt"
	"strings"

	"tlskeeper/internal/certname"
	"tlskeeper/internal/dnsname"
)

func (v *validator) certificates(cfg *Config) {
	seen := map[string]int{}
	for i, c := range cfg.Certificates {
		table := fmt.Sprintf("certificate[%d]", i)
		v.certificate(table, c)
		v.wildcards(table, c, cfg)
		if first, dup := seen[c.Name]; dup && c.Name != "" {
			v.problem(table, "give it another name = \"...\"", "a second certificate called %q (the first is on line %d)",
				c.Name, v.lines.at(fmt.Sprintf("certificate[%d]", first)))
			continue
		}
		seen[c.Name] = i
	}
}

func (v *validator) certificate(table string, c Certificate) {
	v.answer(table, c.KeyType, c.Challenge, c.Webroot, c.Listen)
	v.place(table+".csr", c.CSR)
	v.place(table+".csr_key", c.CSRKey)
	if c.CSRKey != "" && c.CSR == "" {
		v.problem(table+".csr_key", "", "csr_key is the key of a csr, and there is none")
	}
	v.nameList(table, c)
	if _, given := v.lines[table+".name"]; given {
		v.fileName(table+".name", c.Name)
	} else if c.Name != "" && len(c.Names) > 0 && dnsname.Problem(c.Names[0]) == "" {
		v.fileName(table, c.Name) // made of the first of the names
	}
	v.dns(table, c.Challenge, c.DNSProvider, c.DNSExec)
}

// challenges checks [[challenge]]. A name stands in one of them at most.
func (v *validator) challenges(list []Challenge) {
	seen := map[string]bool{}
	for i, c := range list {
		table := fmt.Sprintf("challenge[%d]", i)
		v.answer(table, "secp384r1", c.Challenge, c.Webroot, c.Listen)
		v.dns(table, c.Challenge, c.DNSProvider, c.DNSExec)
		if c.Challenge == "http-01" && c.Webroot == "" && c.Listen == "" {
			v.problem(table, `webroot = "/var/www/html"`, `challenge "http-01" needs a webroot or a listen address here`)
		}
		if len(c.Names) == 0 {
			v.problem(table, `names = ["*.example.org"]`, "[[challenge]] needs the names that are proven this way")
		}
		for _, name := range c.Names {
			if why := dnsname.Problem(name); why != "" {
				v.problem(table+".names", "", "%q: %s", shorten(name), why)
			}
			if folded := fold(name); seen[folded] {
				v.problem(table+".names", "", "%q stands in another [[challenge]] too", shorten(name))
			} else {
				seen[folded] = true
			}
		}
	}
}

// ChallengeFor finds the [[challenge]] of a name, nil where it has none.
func (c *Config) ChallengeFor(name string) *Challenge {
	for i := range c.Challenges {
		for _, n := range c.Challenges[i].Names {
			if fold(n) == fold(name) {
				return &c.Challenges[i]
			}
		}
	}
	return nil
}

// fold is a name in the form in which names are equal, also one that the
// validator refuses.
func fold(name string) string {
	if folded, err := dnsname.Fold(name); err == nil {
		return folded
	}
	return strings.ToLower(name)
}

// wildcards wants dns-01 for them, from the certificate or the name's own
// [[challenge]].
func (v *validator) wildcards(table string, c Certificate, cfg *Config) {
	for _, name := range c.Names {
		how := c.Challenge
		if own := cfg.ChallengeFor(name); own != nil {
			how = own.Challenge
		}
		if strings.HasPrefix(name, "*.") && how != "dns-01" {
			v.problem(table+".names", `challenge = "dns-01"`, "%q: CAs prove a wildcard only over DNS (RFC 8555, 7.1.3)", name)
		}
	}
}

// ways looks whether each certificate can be proved at all, once everything
// that it is judged by is right.
func (v *validator) ways(cfg *Config) {
	if len(v.problems) > 0 {
		return
	}
	for i, c := range cfg.Certificates {
		v.answered(fmt.Sprintf("certificate[%d]", i), c, cfg)
	}
}

// answered wants a place for the answer to the CA's question over HTTP, unless
// each name has a way of its own.
func (v *validator) answered(table string, c Certificate, cfg *Config) {
	if c.Challenge != "http-01" || c.Webroot != "" || c.Listen != "" {
		return
	}
	open := c.CSR != "" && len(cfg.Challenges) == 0 // what names are in it is not known here
	for _, name := range c.Names {
		open = open || !strings.HasPrefix(name, "*.") && cfg.ChallengeFor(name) == nil
	}
	if open {
		v.problem(table+".names", `webroot = "/var/www/html", the DocumentRoot of port 80; or listen = ":80" where nothing answers there; here or in [acme]`,
			`challenge "http-01" needs a webroot or a listen address`)
	}
}

func (v *validator) nameList(table string, c Certificate) {
	if len(c.Names) == 0 && c.CSR == "" {
		v.problem(table, `names = ["www.example.org"]`, "this certificate has no names")
	}
	if len(c.Names) == 0 && c.Name == "" && c.CSR != "" {
		v.problem(table, `name = "www"`, "a certificate from a CSR file needs a name")
	}
	for _, name := range c.Names {
		if why := dnsname.Problem(name); why != "" {
			v.problem(table+".names", "", "%q: %s", shorten(name), why)
		}
	}
}

func (v *validator) dns(table, challenge, provider, program string) {
	v.place(table+".dns_exec", program)
	switch {
	case challenge == "dns-01" && provider == "":
		v.problem(table, `dns_provider = "exec"`, `challenge "dns-01" needs a dns_provider`)
	case provider != "":
		v.oneOf(table+".dns_provider", provider, providers)
	}
	if provider == "exec" && program == "" {
		v.problem(table, `dns_exec = "/usr/local/sbin/dns-hook"`, `dns_provider "exec" needs dns_exec, the program to run`)
	}
}

// fileName checks the name of a certificate.
func (v *validator) fileName(key, name string) {
	if why := certname.Problem(name); why != "" {
		v.problem(key, `name = "www"`, "the certificate's name %q %s", shorten(name), why)
	}
}
