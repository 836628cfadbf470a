package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/hint"
)

// What somebody types is refused with what is wrong, before a CA is asked.
func TestTypedCertificates(t *testing.T) {
	names, dir := []string{"*.Müller.example", "b.example"}, t.TempDir()
	for name, c := range map[string]struct {
		typed AdHoc
		says  string
		hint  string
	}{
		"names and a CSR":    {AdHoc{Names: names, CSR: "x.csr", Webroot: dir}, "or --csr", ""},
		"two ways":           {AdHoc{Names: names, Webroot: dir, Listen: ":80"}, "two ways", ""},
		"not an address":     {AdHoc{Names: names, Listen: "80"}, "is not an address with a port", ":80"},
		"a port too high":    {AdHoc{Names: names, Listen: ":65536"}, "is not an address with a port", ":80"},
		"not there":          {AdHoc{Names: names, Webroot: filepath.Join(dir, "x")}, "is not a directory", "DocumentRoot"},
		"a CSR without name": {AdHoc{CSR: "x.csr", Webroot: dir}, "--cert-name", ""},
		"a key type":         {AdHoc{Names: names, KeyType: "rsa1024", Webroot: dir}, `unknown key type "rsa1024"`, "rsa2048"},
		"no way":             {AdHoc{Names: names}, "how shall the CA see", "-w DIR"},
		"a bad name":         {AdHoc{Names: []string{"a b"}, Webroot: dir}, "is not a DNS name", ""},
		"good":               {AdHoc{Names: names, Webroot: dir}, "", ""},
		"good, a listener":   {AdHoc{CSR: "x.csr", Name: "x", Listen: ":80"}, "", ""},
	} {
		cfg := Default(PathsUnder(""))
		cert, err := cfg.AdHoc(c.typed)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) || !strings.Contains(hint.Of(err), c.hint) {
			t.Errorf("%s: %v (hint %q)", name, err, hint.Of(err))
		}
		if _, bad := errors.AsType[*dnsname.Error](err); bad != (name == "a bad name") {
			t.Errorf("%s: %T", name, err)
		}
		if name == "good" && (cert.Name != "xn--mller-kva.example" || cert.KeyType != cfg.ACME.KeyType || cert.Webroot != dir || cert.Listen != "") {
			t.Errorf("%+v", cert)
		}
	}
}

// What [acme] says holds where nothing else was typed; a listener that was
// typed takes the place of its webroot.
func TestTypedCertificateInherits(t *testing.T) {
	cfg := Default(PathsUnder(""))
	cfg.ACME.Webroot, cfg.ACME.KeyType, cfg.ACME.Profile = "/srv/www", "rsa4096", "tlsserver"
	cert, err := cfg.AdHoc(AdHoc{Names: []string{"a.example"}})
	if err != nil || cert.Webroot != "/srv/www" || cert.KeyType != "rsa4096" || cert.Profile != "tlsserver" {
		t.Errorf("%+v, %v", cert, err)
	}
	cert, err = cfg.AdHoc(AdHoc{Names: []string{"a.example"}, Listen: ":80"})
	if err != nil || cert.Webroot != "" || cert.Listen != ":80" {
		t.Errorf("%+v, %v", cert, err)
	}
}
