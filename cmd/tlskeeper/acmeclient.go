package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"tlskeeper/acme"
	"tlskeeper/acme/challenge"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/internal/safepath"
)

func (a *app) acmeClient(c *cli.Context, cfg *config.Config, dir string) (*acme.Client, error) {
	settings, err := a.acmeConfig(c, cfg, dir)
	if err != nil {
		return nil, err
	}
	return acme.New(settings)
}

// acmeConfig is the part of the configuration that acme gets.
func (a *app) acmeConfig(c *cli.Context, cfg *config.Config, dir string) (acme.Config, error) {
	settings := acme.Config{
		Dir: dir, AgreeTOS: cfg.ACME.AgreeTOS, FailoverAfter: cfg.ACME.FailoverAfter,
		UserAgent: "tlskeeper/" + strings.Trim(versionText(), "()"), Log: a.log(c),
	}
	if cfg.ACME.Email != "" {
		settings.Contact = []string{cfg.ACME.Email}
	}
	first, err := certificateAuthority(config.Fallback{CA: cfg.ACME.CA, Directory: cfg.ACME.Directory, CAFile: cfg.ACME.CAFile,
		EABKID: cfg.ACME.EABKID, EABHMACFile: cfg.ACME.EABHMACFile})
	if err != nil {
		return settings, err
	}
	settings.CAs = []acme.CA{first}
	for _, f := range cfg.Fallbacks {
		ca, err := certificateAuthority(f)
		if err == nil {
			_, err = acme.New(acme.Config{CAs: []acme.CA{ca}})
		}
		if err != nil { // it is not needed as long as the first one issues
			a.log(c).Warn("a fallback cannot be used", "directory", ca.Directory, "err", err)
			continue
		}
		settings.CAs = append(settings.CAs, ca)
	}
	return settings, nil
}

// unusable lists the directories of the fallbacks that the client lacks: what
// they have issued is no reason for another certificate.
func unusable(cfg *config.Config, client *acme.Client) []string {
	var directories []string
	for _, f := range cfg.Fallbacks {
		if ca, _ := certificateAuthority(f); !client.Knows(ca.Directory) {
			directories = append(directories, ca.Directory)
		}
	}
	return directories
}

func certificateAuthority(f config.Fallback) (acme.CA, error) {
	ca, _ := acme.Preset(f.CA)
	if f.Directory != "" {
		ca = acme.At(f.Directory)
	}
	ca.CAFile = f.CAFile
	if f.EABKID == "" {
		return ca, nil
	}
	key, err := safepath.ReadFile(f.EABHMACFile)
	if err != nil {
		return ca, fmt.Errorf("reading eab_hmac_file: %w", err)
	}
	ca.EAB = &acme.EAB{KID: f.EABKID, HMAC: strings.TrimSpace(string(key))}
	return ca, nil
}

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "say what would be done, rehearse it with the CA for trials, and change nothing"}
}

// rehearsal gives a dry run the CA for trials: the configured one where it is
// a private one, by its directory, and Let's Encrypt's staging CA for all the
// public ones, which have none that everybody may use.
func (a *app) rehearsal(c *cli.Context, cfg *config.Config, run *renewal.Config) (done func(), err error) {
	if !c.Bool("dry-run") {
		return func() {}, nil
	}
	trial := *cfg
	trial.Fallbacks = nil
	if _, public := acme.Preset(acme.At(cfg.ACME.Directory).Name); cfg.ACME.Directory == "" || public {
		staging(&trial.ACME)
	}
	settings, err := a.acmeConfig(c, &trial, cfg.Paths.ACME)
	if err != nil {
		return nil, err
	}
	run.Trial, done, err = acme.Rehearse(settings)
	return done, err
}

// staging makes the configured CA Let's Encrypt's staging one.
func staging(cfg *config.ACME) {
	cfg.CA, cfg.Directory, cfg.CAFile = acme.Staging, "", ""
	cfg.EABKID, cfg.EABHMACFile = "", ""
}

// request is a configured certificate as acme knows it.
func request(cert config.Certificate, cfg *config.Config) acme.Request {
	q := acme.Request{
		Name: cert.Name, Names: cert.Names, KeyType: acme.KeyType(cert.KeyType), ReuseKey: cert.ReuseKey,
		CSRFile: cert.CSR, KeyFile: cert.CSRKey,
		Challenge: way(cert.Challenge, cert.Webroot, cert.Listen, cert.DNSProvider, cert.DNSExec),
		Profile:   cert.Profile, NeedsProfile: cert.NeedsProfile, PreferredChain: cert.PreferredChain, Keep: cfg.ACME.Keep,
	}
	for _, own := range cfg.Challenges {
		if q.PerName == nil {
			q.PerName = map[string]challenge.Way{}
		}
		for _, name := range own.Names {
			q.PerName[name] = way(own.Challenge, own.Webroot, own.Listen, own.DNSProvider, own.DNSExec)
		}
	}
	return q
}

// way keeps what belongs to a challenge of that type.
func way(kind, webroot, listen, provider, program string) challenge.Way {
	switch kind {
	case challenge.HTTP01:
		return challenge.Way{Type: kind, Webroot: webroot, Listen: listen}
	case challenge.TLSALPN01:
		return challenge.Way{Type: kind, Listen: cmp.Or(listen, ":443")}
	}
	return challenge.Way{Type: kind, Provider: provider, Exec: program}
}
