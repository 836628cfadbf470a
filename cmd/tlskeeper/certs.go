package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/renewal"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
	"tlskeeper/internal/table"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) certsCommand() *cli.Command {
	return &cli.Command{
		Name:      "certs",
		Aliases:   []string{"certificates"},
		Usage:     "list the certificates, show or delete one, or go back to its former generation",
		UsageText: "tlskeeper certs\ntlskeeper certs --json\ntlskeeper certs show www.example.org\ntlskeeper certs rollback www.example.org",
		Action:    a.certs,
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list the certificates", UsageText: "tlskeeper certs list\ntlskeeper certs list --json",
				Action: a.certs,
			},
			{
				Name: "show", Usage: "show everything about one certificate", ArgsUsage: "NAME",
				UsageText: "tlskeeper certs show www.example.org\ntlskeeper certs show www.example.org --json",
				Action:    a.certsShow,
			},
			{
				Name: "rollback", Usage: "serve the former generation again, if it is still valid", ArgsUsage: "NAME",
				UsageText: "tlskeeper certs rollback www.example.org\ntlskeeper certs rollback www.example.org --yes",
				Description: "The former generation is proved and activated as any other; one that is revoked\n" +
					"or expired is passed over. The one that was left is not deployed again: a new\n" +
					"one is ordered when the served one is due, or, where it is due already, when a\n" +
					"sixth of its lifetime is left (a quarter below ten days).",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}},
				Action: a.certsRollback,
			},
			{
				Name: "delete", Usage: "delete a certificate that nothing uses, with its keys", ArgsUsage: "NAME",
				UsageText: "tlskeeper certs delete old.example.org\ntlskeeper certs delete old.example.org --yes",
				Description: "Refused while the configuration has the certificate or Apache uses it. It is not\n" +
					"revoked, and cannot be brought back.",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"}},
				Action: a.certsDelete,
			},
		},
	}
}

// certView is one certificate as `certs` prints it.
type certView struct {
	status.Certificate
	Fingerprint string     `json:"fingerprint,omitempty"`
	SCTs        []leaf.SCT `json:"scts"`
	Directory   string     `json:"directory,omitempty"`
	Dir         string     `json:"dir,omitempty"`
	Issuers     []string   `json:"issuers,omitempty"` // of each certificate in the chain, the leaf's first
	WindowStart time.Time  `json:"ari_start,omitzero"`
	WindowEnd   time.Time  `json:"ari_end,omitzero"`
	Explanation string     `json:"ari_explanation,omitempty"`
	Deployed    bool       `json:"deployed"`
	Configured  bool       `json:"configured"` // otherwise nothing renews it
	Uncarried   []string   `json:"names_without_virtual_host,omitempty"`
}

func viewOf(c store.Certificate) certView {
	v := certView{Certificate: renewal.Public(c)}
	g := c.Served
	if g.Number == 0 {
		return v
	}
	v.Fingerprint, v.SCTs, v.Dir, v.Directory = leaf.Fingerprint(g.Leaf), sctsOf(g), g.Dir, g.Meta.Directory
	v.Deployed = c.Deployed() && !v.KeyElsewhere
	for _, cert := range g.Chain {
		v.Issuers = append(v.Issuers, cert.Issuer.String())
	}
	if ari := c.State.ARI; ari != nil && ari.CertID == schedule.CertID(g.Leaf) {
		v.WindowStart, v.WindowEnd, v.Explanation = ari.Start, ari.End, ari.ExplanationURL
	}
	return v
}

// sctsOf is never nil: a program counts an empty list more easily than null.
func sctsOf(g store.Generation) []leaf.SCT {
	found := []leaf.SCT{}
	for _, raw := range leaf.SCTs(g.Leaf) {
		if one, ok := leaf.ParseSCT(raw); ok {
			found = append(found, one)
		}
	}
	return found
}

func (a *app) certs(c *cli.Context) error {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	list, err := store.Open(cfg.Paths.ACME).List()
	if err != nil && len(list) == 0 {
		return needsRoot(err)
	}
	views := []certView{}
	for _, cert := range list {
		v := viewOf(cert)
		if _, v.Configured = cfg.Certificate(cert.Name); v.Configured || v.Generation > 0 {
			views = append(views, v)
		}
	}
	if a.json(c) {
		return errors.Join(a.printJSON(map[string]any{"certificates": views}), err)
	}
	if len(views) == 0 {
		fmt.Fprintln(a.stderr, "no certificates yet; `tlskeeper issue` gets those of the configuration")
		return err
	}
	a.printViews(views)
	return err
}

// longestError is what a table's line says of an error; `certs show` and
// --json have all of it.
const longestError = 160

// firstLine cuts an error to one line.
func firstLine(s string) string {
	s, _, more := strings.Cut(s, "\n")
	if len(s) > longestError {
		s, more = strings.ToValidUTF8(s[:longestError], ""), true
	}
	if more {
		s += " ..."
	}
	return s
}

func needsRoot(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return hint.Wrap(err, "the keys belong to root: use sudo, or `tlskeeper status`, which needs no rights")
	}
	return err
}

func (a *app) printViews(views []certView) {
	var rows [][]string
	for _, v := range views {
		rows = append(rows, []string{term.Escape(v.Name), term.Escape(strings.Join(v.Names, " ")), term.Escape(v.KeyType), term.Escape(v.Issuer),
			day(v.NotBefore), day(v.NotAfter), v.window(day), v.renewal(), strconv.Itoa(v.Generation), served(v)})
	}
	table.Write(a.stdout, screenWidth(a.stdout),
		[]string{"CERTIFICATE", "NAMES", "KEY", "ISSUER", "NOT BEFORE", "EXPIRES", "ARI WINDOW", "RENEWAL", "GENERATION", "SERVED"}, rows)
	for _, v := range views {
		a.printTrouble(v.Name, v.LastErrorAt, v.LastError)
		a.printTrouble(v.Name, v.DeployErrorAt, v.DeployError)
	}
}

func (a *app) printTrouble(name string, at time.Time, what string) {
	if what != "" {
		fmt.Fprintf(a.stdout, "%s: %s: %s\n", term.Escape(name), moment(at), term.Escape(firstLine(what)))
	}
}

// renewal is when the next one is planned, for what a run of renew handles.
func (v certView) renewal() string {
	if !v.Configured {
		return "not in the configuration"
	}
	return moment(v.RenewAt)
}

// window is the CA's suggestion for the renewal, each end as say writes it.
func (v certView) window(say func(time.Time) string) string {
	if v.WindowStart.IsZero() {
		return "-"
	}
	return say(v.WindowStart) + " to " + say(v.WindowEnd)
}

// keyElsewhere is said of a certificate that there is nothing to serve of here.
const keyElsewhere = "its key is elsewhere"

func served(v certView) string {
	switch {
	case v.Revoked:
		return "revoked"
	case v.KeyElsewhere:
		return keyElsewhere
	case v.Deployed && v.Held > 0:
		return fmt.Sprintf("rolled back from %d", v.Held)
	case v.Deployed:
		return "yes"
	}
	return "no"
}

func (a *app) certsShow(c *cli.Context) error {
	name, err := oneName(c, "certs show")
	if err != nil {
		return err
	}
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	cert, err := issued(store.Open(cfg.Paths.ACME), name)
	if err != nil {
		return err
	}
	v := viewOf(cert)
	_, v.Configured = cfg.Certificate(name)
	v.Uncarried = renewal.Uncarried(a.apacheConfig(c, cfg), cert.Served)
	if a.json(c) {
		return a.printJSON(v)
	}
	var shown [][2]string
	for _, row := range v.rows() {
		if row[1] != "" && row[1] != "-" {
			shown = append(shown, [2]string{row[0], term.Escape(row[1])})
		}
	}
	table.Pairs(a.stdout, shown)
	return nil
}

func (v certView) rows() [][2]string {
	return [][2]string{
		{"certificate", v.Name}, {"names", strings.Join(v.Names, " ")}, {"key", v.KeyType}, {"serial", v.Serial},
		{"sha256", v.Fingerprint}, {"issued by", strings.Join(v.Issuers, ", under ")},
		{"scts", v.sctText()}, {"ca", v.Directory}, {"not before", moment(v.NotBefore)}, {"expires", moment(v.NotAfter)},
		{"ari window", v.window(moment)}, {"ari explanation", v.Explanation}, {"renewal", v.renewal()},
		{"generation", fmt.Sprint(v.Generation)}, {"files", v.Dir}, {"served", served(v)}, {"served since", moment(v.DeployedAt)},
		{"no virtual host has", strings.Join(v.Uncarried, " ")},
		{"last error", v.LastError}, {"at", moment(v.LastErrorAt)}, {"not served because", v.DeployError}, {"at", moment(v.DeployErrorAt)},
	}
}

// sctText names the log and the time of each promise to publish the certificate.
func (v certView) sctText() string {
	if len(v.SCTs) == 0 {
		return "none"
	}
	var parts []string
	for _, one := range v.SCTs {
		parts = append(parts, moment(one.Time)+" log "+one.LogID)
	}
	return strings.Join(parts, ", ")
}

// issued loads a certificate that has at least one generation.
func issued(store *store.Store, name string) (store.Certificate, error) {
	cert, err := store.Certificate(name)
	if err == nil && cert.Latest.Number == 0 {
		err = hint.Wrap(fmt.Errorf("certificate %s was never issued%s", name, because(cert.State.LastError)), "tlskeeper issue "+name)
	}
	return cert, needsRoot(err)
}

func because(last string) string {
	if last == "" {
		return ""
	}
	return ": " + firstLine(last)
}

// oneName is the only argument of a command.
func oneName(c *cli.Context, command string) (string, error) {
	if c.NArg() != 1 {
		return "", hint.Wrap(cmdline.Usagef("%s: want the name of one certificate", command), "`tlskeeper certs` lists them")
	}
	return c.Args().First(), nil
}

func (a *app) certsRollback(c *cli.Context) error {
	name, err := oneName(c, "certs rollback")
	if err != nil {
		return err
	}
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	if _, err := issued(store.Open(cfg.Paths.ACME), name); err != nil {
		return err
	}
	if err := a.confirm(c, "serve the former generation of "+term.Escape(name)+"?"); err != nil {
		return err
	}
	g, err := renewal.Rollback(c.Context, a.storeConfig(c, cfg), name)
	if err != nil {
		return err
	}
	if a.json(c) {
		return a.printJSON(map[string]any{"name": name, "generation": g.Number, "serial": g.Serial()})
	}
	fmt.Fprintf(a.stdout, "%s: generation %d is served again, valid until %s\n", term.Escape(name), g.Number, day(g.Leaf.NotAfter))
	return nil
}

func (a *app) certsDelete(c *cli.Context) error {
	name, err := oneName(c, "certs delete")
	if err != nil {
		return err
	}
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	if _, configured := cfg.Certificate(name); configured {
		return hint.Wrap(&apacheconf.RefusedError{Why: "the configuration has " + term.Escape(name)}, "take its [[certificate]] out of "+cfg.File+" first")
	}
	if err := known(store.Open(cfg.Paths.ACME), name); err != nil {
		return err
	}
	if err := a.confirm(c, "delete all generations of "+term.Escape(name)+" with their keys?"); err != nil {
		return err
	}
	if err := renewal.Delete(c.Context, a.storeConfig(c, cfg), name); err != nil {
		return err
	}
	if a.json(c) {
		return a.printJSON(map[string]any{"name": name, "deleted": true})
	}
	fmt.Fprintf(a.stdout, "%s: deleted\n", term.Escape(name))
	return nil
}

// known tells whether there is anything of a certificate, issued or not.
func known(certs *store.Store, name string) error {
	list, err := certs.List()
	if err != nil && len(list) == 0 {
		return needsRoot(err)
	}
	if slices.ContainsFunc(list, func(c store.Certificate) bool { return c.Name == name }) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("there is no certificate %s", name), "`tlskeeper certs` lists them")
}
