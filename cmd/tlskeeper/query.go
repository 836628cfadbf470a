package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/owner"
	"tlskeeper/logship/ingest"
	"tlskeeper/query"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) queryCommand() *cli.Command {
	return &cli.Command{
		Name:      "query",
		Usage:     "ask the TLS log: which protocols, ciphers, clients?",
		ArgsUsage: "[REPORT|SQL [FILE...]]",
		UsageText: `tlskeeper query                         # list the reports
tlskeeper query ciphers
tlskeeper query agents --since 30d --limit 20
tlskeeper query legacy --vhost www.example.org --format csv
tlskeeper query "SELECT c6, count(*) FROM log GROUP BY c6 ORDER BY count(*) DESC"
tlskeeper query "SELECT day, protocol, count(*) FROM log GROUP BY 1, 2" --json
tlskeeper query ciphers /var/log/apache2/tls.log.*.gz`,
		Description: "SQL is SQLite's, one SELECT. The table log has the columns time, client, http,\n" +
			"vhost, protocol, cipher, user_agent, day, hour and, as in the line of the log, c1 to\n" +
			"c7; times are UTC. With files, plain or gzipped, these are asked and not the\n" +
			"database. Questions that count(*) by http, vhost, protocol, cipher, user_agent, day\n" +
			"or hour are answered from counts kept beforehand (--explain tells).",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "answer as `FORMAT`: " + strings.Join(query.Formats, ", "), Value: "table"},
			&cli.StringFlag{Name: "since", Usage: "only requests from `TIME` on: 2006-01-02, \"2006-01-02 15:04\", 24h, 30d"},
			&cli.StringFlag{Name: "until", Usage: "only requests before `TIME`"},
			&cli.StringFlag{Name: "vhost", Usage: "only requests to `NAME`"},
			&cli.IntFlag{Name: "limit", Usage: "show the first `N` rows"},
			&cli.StringSliceFlag{Name: "from", Usage: "ask `FILE` (plain or gzipped log), not the database; may be repeated"},
			&cli.StringFlag{Name: "db", Usage: "ask the database `FILE`, not that of the configuration"},
			&cli.DurationFlag{Name: "timeout", Usage: "stop after `TIME`", Value: query.DefaultTimeout},
			&cli.BoolFlag{Name: "explain", Usage: "tell how the question would be answered"},
			&cli.BoolFlag{Name: "no-rollup", Usage: "read every row even where counts are kept"},
		},
		Action: a.query,
	}
}

func (a *app) query(c *cli.Context) error {
	question := c.Args().First()
	if question == "" {
		return a.listReports(c)
	}
	isReport := slices.Contains(query.ReportNames(), question)
	if !isReport && !strings.ContainsAny(question, " \t\n") {
		return unknownReport(question)
	}
	o, err := queryOptions(c)
	if err != nil {
		return err
	}
	if left, err := a.leaveQuery(c); left || err != nil {
		return err
	}
	db, err := a.openQuery(c)
	if err != nil {
		return err
	}
	defer db.Close()
	if format := a.format(c); !isReport && !o.Explain && (format == "csv" || format == "json") {
		return db.Export(c.Context, question, o, a.stdout, format)
	}
	ask := db.Run
	if isReport {
		ask = db.Report
	}
	result, err := ask(c.Context, question, o)
	if err != nil {
		return err
	}
	a.log(c).Debug("answered", "way", result.Way)
	return a.printResult(c, result)
}

// leaveQuery has the whole question asked by the owner of the database, where
// that is not root.
func (a *app) leaveQuery(c *cli.Context) (left bool, err error) {
	if c.Args().Len() > 1 || len(c.StringSlice("from")) > 0 {
		return false, nil // files are read into memory
	}
	path, err := a.database(c)
	if err != nil {
		return false, err
	}
	o, err := ownerOf(path, false)
	if err != nil || o.IsRoot() {
		return false, err
	}
	ctx, cancel := questionTime(c.Context, c.Duration("timeout"))
	defer cancel()
	return true, a.leave(ctx, o, handed{Database: path}, owner.Work{Args: a.args[1:]})
}

// queryGrace is what a question may take beyond its own time: to open the
// database, and to write the answer.
const queryGrace = 30 * time.Second

// questionTime bounds a question that another user's process answers: its user
// can stop that process, and then it does not look at its own time.
func questionTime(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	timeout = cmp.Or(timeout, query.DefaultTimeout) + queryGrace
	return context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
}

// openQuery opens the files that were named, or the database.
func (a *app) openQuery(c *cli.Context) (*query.DB, error) {
	files := append(c.Args().Tail(), c.StringSlice("from")...)
	if len(files) > 0 {
		if c.String("db") != "" {
			return nil, cmdline.Usagef("--db and files exclude each other")
		}
		loaded, err := ingest.Memory(c.Context, files, a.log(c))
		if err != nil {
			return nil, err
		}
		return query.Over(loaded)
	}
	path, err := a.database(c)
	if err != nil {
		return nil, err
	}
	return query.Open(c.Context, path)
}

// database is the path of --db, or of the configuration.
func (a *app) database(c *cli.Context) (string, error) {
	if a.handed != nil {
		return a.handed.Database, nil
	}
	if path := c.String("db"); path != "" {
		return filepath.Abs(path)
	}
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return "", err
	}
	return cfg.Agent.Database, nil
}

func queryOptions(c *cli.Context) (query.Options, error) {
	o := query.Options{NoRollup: c.Bool("no-rollup"), Explain: c.Bool("explain"), Timeout: c.Duration("timeout")}
	o.VHost, o.Limit = c.String("vhost"), c.Int("limit")
	if o.Limit < 0 {
		return o, cmdline.Usagef("--limit %d: want a number of rows", o.Limit)
	}
	if o.Timeout < 0 {
		return o, cmdline.Usagef("--timeout %s: want a time to wait", o.Timeout)
	}
	if c.Bool("json") && c.IsSet("format") && c.String("format") != "json" {
		return o, cmdline.Usagef("--json and --format %s exclude each other", c.String("format"))
	}
	if !slices.Contains(query.Formats, c.String("format")) {
		return o, hint.Wrap(cmdline.Usagef("unknown format %q", c.String("format")), "formats: "+strings.Join(query.Formats, ", "))
	}
	now := time.Now()
	var err error
	if o.Since, err = query.When(c.String("since"), now); err != nil {
		return o, cmdline.Usagef("--since %v", err)
	}
	if o.Until, err = query.When(c.String("until"), now); err != nil {
		return o, cmdline.Usagef("--until %v", err)
	}
	return o, nil
}

func (a *app) printResult(c *cli.Context, r *query.Result) error {
	return r.Write(a.stdout, a.format(c), a.width())
}

func (a *app) format(c *cli.Context) string {
	if a.json(c) {
		return "json"
	}
	return c.String("format")
}

func (a *app) listReports(c *cli.Context) error {
	if a.json(c) {
		return a.printJSON(query.Reports())
	}
	for _, r := range query.Reports() {
		fmt.Fprintf(a.stdout, "%-16s %s\n", r.Name, r.Title)
	}
	return nil
}

func unknownReport(name string) error {
	err := cmdline.Usagef("no report %q", name)
	if near := hint.Nearest(name, query.ReportNames()); near != "" {
		return hint.Wrap(err, "did you mean `tlskeeper query "+near+"`?")
	}
	return hint.Wrap(err, "tlskeeper query lists the reports; SQL goes in one pair of quotes")
}
