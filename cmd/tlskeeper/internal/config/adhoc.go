package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/hint"
)

// AdHoc is a certificate that stands in no file: `issue` is told of it by its
// flags, which the messages name.
type AdHoc struct {
	Names           []string // of -d
	CSR             string   // or a file
	Name            string   // of the certificate; "" is the first of Names
	KeyType         string   // "" is that of [acme]
	Webroot, Listen string   // how control is proven; both "" are those of [acme]
}

// AdHoc completes such a certificate from [acme], and refuses what cannot work
// before a CA counts it as a failed try. Its errors are mistakes of whoever
// typed it; a bad name is a *dnsname.Error.
func (c *Config) AdHoc(typed AdHoc) (Certificate, error) {
	cert := Certificate{
		Name: typed.Name, Names: typed.Names, CSR: typed.CSR, KeyType: cmp.Or(typed.KeyType, c.ACME.KeyType),
		ReuseKey: c.ACME.ReuseKey, Challenge: c.ACME.Challenge, Webroot: c.ACME.Webroot, Listen: c.ACME.Listen,
		Profile: c.ACME.Profile, PreferredChain: c.ACME.PreferredChain,
	}
	if len(typed.Names) > 0 && typed.CSR != "" {
		return cert, errors.New("give certificates of the configuration, or -d names, or --csr")
	}
	if typed.Webroot != "" || typed.Listen != "" {
		webroot, err := typed.way()
		if err != nil {
			return cert, err
		}
		cert.Webroot, cert.Listen = webroot, typed.Listen
	}
	if cert.Name == "" && len(typed.Names) > 0 {
		if _, err := dnsname.Fold(typed.Names[0]); err != nil {
			return cert, err
		}
		cert.Name = nameOf(typed.Names[0])
	}
	return cert, cert.whole()
}

// way checks how control is to be proven, and returns the webroot's full path.
func (a AdHoc) way() (webroot string, err error) {
	switch {
	case a.Webroot != "" && a.Listen != "":
		return "", errors.New("-w and --listen are two ways to do the same thing")
	case a.Webroot == "" && !isListenAddress(a.Listen):
		return "", hint.Wrap(fmt.Errorf("--listen %q is not an address with a port", a.Listen), "such as :80 or 127.0.0.1:5002")
	case a.Webroot == "":
		return "", nil
	}
	if info, err := os.Stat(a.Webroot); err != nil || !info.IsDir() {
		return "", hint.Wrap(fmt.Errorf("-w %s is not a directory", a.Webroot), "the DocumentRoot that answers on port 80")
	}
	return filepath.Abs(a.Webroot)
}

// whole tells what is missing.
func (c Certificate) whole() error {
	switch {
	case c.Name == "":
		return errors.New("--csr needs --cert-name")
	case !slices.Contains(keyTypes, c.KeyType):
		return hint.Wrap(fmt.Errorf("unknown key type %q", c.KeyType), "one of "+strings.Join(keyTypes, ", "))
	case c.Challenge == "http-01" && c.Webroot == "" && c.Listen == "":
		return hint.Wrap(errors.New("how shall the CA see that the names are yours?"),
			"-w DIR, the DocumentRoot that answers on port 80, or --listen :80 where nothing does")
	}
	return nil
}
