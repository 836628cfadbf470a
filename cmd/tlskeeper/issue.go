package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/internal/dnsname"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// runLockWait is how long a run waits for another one to end.
const runLockWait = 10 * time.Second

func (a *app) issueCommand() *cli.Command {
	return &cli.Command{
		Name:      "issue",
		Aliases:   []string{"certonly"},
		Usage:     "get certificates: those of the configuration, or one for -d names",
		ArgsUsage: "[CERTIFICATE...]",
		UsageText: "tlskeeper issue\ntlskeeper issue www.example.org\ntlskeeper issue --agree-tos --dry-run\n" +
			"tlskeeper issue -d www.example.org -d example.org -w /var/www/html --agree-tos\n" +
			"tlskeeper certonly -d www.example.org -w /var/www/html --staging --agree-tos",
		Description: "A certificate that is not due is kept. What is new is activated in Apache with\n" +
			"one reload and seen being served; exit status 4 says that it is issued but not\n" +
			"served. --dry-run says what would be done and rehearses every certificate: a real\n" +
			"order with Let's Encrypt's staging CA, or with yours where [acme] has a directory;\n" +
			"nothing of it stays, here or there. --staging issues from the staging CA into a\n" +
			"store of its own, and touches no Apache.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "d", Aliases: []string{"domain"}, Usage: "a `NAME` of a certificate that is not in the configuration"},
			&cli.StringFlag{Name: "w", Aliases: []string{"webroot"}, Usage: "prove control by files below `DIR`"},
			&cli.StringFlag{Name: "listen", Usage: "prove control by answering on `ADDRESS` (such as :80)"},
			&cli.StringFlag{Name: "csr", Usage: "take names and key from the CSR in `FILE`"},
			&cli.StringFlag{Name: "cert-name", Usage: "call the certificate `NAME` (with -d or --csr)"},
			&cli.StringFlag{Name: "key-type", Usage: "secp384r1, secp256r1, rsa2048 or rsa4096 (with -d)"},
			&cli.BoolFlag{Name: "agree-tos", Usage: "accept the CA's terms of service"},
			&cli.StringFlag{Name: "email", Aliases: []string{"m"}, Usage: "mail `ADDRESS` for the CA"},
			&cli.BoolFlag{Name: "staging", Aliases: []string{"test-cert"}, Usage: "try with Let's Encrypt's staging CA"},
			&cli.BoolFlag{Name: "force", Usage: "issue although nothing is due"},
			dryRunFlag(),
		},
		Action: a.issue,
	}
}

func (a *app) issue(c *cli.Context) error {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	applyIssueFlags(c, cfg)
	extra, err := adHoc(c, cfg)
	if err != nil {
		return err
	}
	only, configured := c.Args().Slice(), true
	if extra != nil {
		_, configured = cfg.Certificate(extra.Name)
		cfg.Certificates, only = []config.Certificate{*extra}, []string{extra.Name}
	}
	if len(cfg.Certificates) == 0 {
		return hint.Wrap(cmdline.Usagef("issue: no certificate is configured"), "add a [[certificate]] to "+cfg.Paths.ConfigFile()+", or give -d NAME -w DIR")
	}
	run, err := a.renewalConfig(c, cfg)
	if err != nil {
		return err
	}
	if c.Bool("staging") {
		if err := a.stagingRun(c, cfg, &run); err != nil {
			return err
		}
	}
	done, err := a.rehearsal(c, cfg, &run)
	if err != nil {
		return err
	}
	defer done()
	report, err := renewal.Run(c.Context, run, renewal.Options{
		Only: only, Force: c.Bool("force"), Attended: true, DryRun: c.Bool("dry-run"), AdHoc: !configured,
	})
	if extra != nil {
		err = blameNames(err)
	}
	printErr := a.printReport(c, report)
	if !configured && !c.Bool("dry-run") && !c.Bool("staging") && !c.Bool("quiet") {
		a.adviseRenewal(cfg, report, *extra)
	}
	return cmp.Or(err, printErr)
}

// adviseRenewal says what is missing for a certificate that was issued, served
// or not, without standing in the configuration.
func (a *app) adviseRenewal(cfg *config.Config, report *renewal.Report, cert config.Certificate) {
	if len(report.Certificates) != 1 || report.Certificates[0].Generation == 0 {
		return
	}
	file := cmp.Or(cfg.File, cfg.Paths.ConfigFile())
	fmt.Fprintf(a.stderr, "`tlskeeper renew` handles only what is configured: to have %s renewed, add to %s:\n\n%s\n",
		term.Escape(cert.Name), term.Escape(file), cmdline.EscapeLines(snippet(cert, cfg.ACME)))
}

// stagingRun gives a run on the staging CA a store of its own, in the closed
// directory of the real one, and no Apache.
func (a *app) stagingRun(c *cli.Context, cfg *config.Config, run *renewal.Config) (err error) {
	run.Dir, run.Deploy = filepath.Join(cfg.Paths.ACME, "staging"), renewal.Deployer{}
	if !c.Bool("dry-run") {
		if err := durable.MkdirBase(cfg.Paths.ACME, 0o700); err != nil {
			return fmt.Errorf("making the directory of the certificates: %w", err)
		}
	}
	run.Client, err = a.acmeClient(c, cfg, run.Dir)
	return err
}

// applyIssueFlags lays the flags over the configuration.
func applyIssueFlags(c *cli.Context, cfg *config.Config) {
	cfg.ACME.AgreeTOS = cfg.ACME.AgreeTOS || c.Bool("agree-tos")
	cfg.ACME.Email = cmp.Or(c.String("email"), cfg.ACME.Email)
	if c.Bool("staging") {
		staging(&cfg.ACME)
		cfg.Fallbacks = nil
	}
}

// adHoc is the certificate that the flags describe, nil where they name none.
func adHoc(c *cli.Context, cfg *config.Config) (*config.Certificate, error) {
	names, csr := splitNames(c.StringSlice("d")), c.String("csr")
	if len(names) == 0 && (c.IsSet("d") || c.IsSet("csr") && csr == "") { // -d "$NAME" with NAME unset
		return nil, hint.Wrap(cmdline.Usagef("issue: -d or --csr is there, and names nothing"), "without them it is for the certificates of the configuration")
	}
	if len(names) == 0 && csr == "" {
		for _, f := range []string{"-w", "--listen", "--cert-name", "--key-type"} {
			if c.String(strings.TrimLeft(f, "-")) != "" {
				return nil, hint.Wrap(cmdline.Usagef("issue: %s goes with -d or --csr", f), "what belongs to a configured certificate stands in the configuration")
			}
		}
		return nil, nil
	}
	if c.Args().Present() {
		return nil, cmdline.Usagef("issue: give certificates of the configuration, or -d names, or --csr")
	}
	cert, err := cfg.AdHoc(config.AdHoc{Names: names, CSR: csr, Name: c.String("cert-name"),
		KeyType: c.String("key-type"), Webroot: c.String("w"), Listen: c.String("listen")})
	if _, bad := errors.AsType[*dnsname.Error](err); err != nil && !bad {
		return nil, hint.Wrap(cmdline.Usagef("issue: %v", err), hint.Of(err))
	}
	return &cert, blameNames(err)
}

// splitNames allows -d a,b as certbot does.
func splitNames(given []string) []string {
	var names []string
	for _, g := range given {
		names = append(names, strings.FieldsFunc(g, func(r rune) bool { return r == ',' })...)
	}
	return names
}

// blameNames makes a bad name on the command line a mistake of usage.
func blameNames(err error) error {
	if name, ok := errors.AsType[*dnsname.Error](err); ok {
		return hint.Wrap(cmdline.Usagef("%s", name.Error()), hint.Of(err))
	}
	return err
}

// snippet is the configuration of a certificate, beside an [acme] section.
func snippet(cert config.Certificate, shared config.ACME) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[[certificate]]\nname = %q\n", cert.Name)
	if cert.CSR != "" {
		fmt.Fprintf(&b, "csr = %q\n", cert.CSR)
	} else {
		fmt.Fprintf(&b, "names = [\"%s\"]\n", strings.Join(cert.Names, `", "`))
	}
	if cert.KeyType != shared.KeyType {
		fmt.Fprintf(&b, "key_type = %q\n", cert.KeyType)
	}
	if cert.Webroot != "" {
		fmt.Fprintf(&b, "webroot = %q\n", cert.Webroot)
	}
	if cert.Listen != "" {
		fmt.Fprintf(&b, "listen = %q\n", cert.Listen)
	}
	return b.String()
}

// renewalConfig is what a run of issue or renew works on.
func (a *app) renewalConfig(c *cli.Context, cfg *config.Config) (renewal.Config, error) {
	client, err := a.acmeClient(c, cfg, cfg.Paths.ACME)
	if err != nil {
		return renewal.Config{}, err
	}
	run := a.storeConfig(c, cfg)
	run.Client, run.Unusable = client, unusable(cfg, client)
	for _, cert := range cfg.Certificates {
		run.Requests = append(run.Requests, request(cert, cfg))
	}
	return run, nil
}

// storeConfig is renewalConfig for what needs no CA.
func (a *app) storeConfig(c *cli.Context, cfg *config.Config) renewal.Config {
	return renewal.Config{
		Dir: cfg.Paths.ACME, Deploy: renewal.Apache(a.apacheConfig(c, cfg)), LockWait: runLockWait, Log: a.log(c),
		Hooks: renewal.Hooks{Pre: cfg.Hooks.Pre, Deploy: cfg.Hooks.Deploy, Post: cfg.Hooks.Post, Timeout: cfg.Hooks.Timeout},
	}
}

// printReport says what a run did, a line for each certificate.
func (a *app) printReport(c *cli.Context, r *renewal.Report) error {
	if a.json(c) {
		return a.printJSON(r)
	}
	for _, o := range r.Certificates {
		if c.Bool("quiet") && (o.Action == renewal.ActionKeep || o.Error != "") {
			continue // what went wrong is said on standard error
		}
		fmt.Fprintf(a.stdout, "%s: %s\n", term.Escape(o.Name), term.Escape(outcomeText(o, c.Bool("dry-run"))))
	}
	return nil
}

func outcomeText(o renewal.Outcome, dry bool) string {
	switch {
	case dry && o.Error != "" && o.Reason != "":
		return "would " + o.Action + ": " + o.Reason + "; the rehearsal failed"
	case o.Error != "":
		return "failed"
	case o.Issued:
		return fmt.Sprintf("generation %d issued (%s), valid until %s, %s", o.Generation, o.Reason, day(o.NotAfter), service(o))
	case dry && o.Action != renewal.ActionKeep:
		return "would " + o.Action + ": " + o.Reason + rehearsed(o)
	case dry:
		return "would be kept: " + o.Reason + rehearsed(o)
	case o.Action == renewal.ActionKeep:
		return "kept, " + o.Reason + ", " + service(o)
	}
	return o.Action + ": " + o.Reason
}

// service says whether it is served.
func service(o renewal.Outcome) string {
	switch {
	case o.Elsewhere:
		return keyElsewhere
	case o.Deployed:
		return "served"
	}
	return "not served yet"
}

func rehearsed(o renewal.Outcome) string {
	if o.Rehearsed {
		return "; the rehearsal succeeded"
	}
	return ""
}
