package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/owner"
	"tlskeeper/internal/term"
	"tlskeeper/logship/ingest"
	"tlskeeper/logship/store"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func (a *app) importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "take older TLS logs, plain or gzipped, into the database",
		ArgsUsage: "FILE...",
		UsageText: "tlskeeper import /var/log/apache2/tls.log.*.gz\ntlskeeper import --db ./trial.db tls.log.1",
		Description: "A file without a single line in the log's format is refused.\n" +
			"Each line is taken once, also when a file is given again, compressed or under\n" +
			"another name, and whatever the agent has read of it. Imported lines are not shipped.\n" +
			"Of a file that the agent follows, what it has not read yet is left to it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "db", Usage: "take them into the database `FILE`, not that of the configuration"},
		},
		Action: a.importFiles,
	}
}

func (a *app) importFiles(c *cli.Context) error {
	if !c.Args().Present() {
		return hint.Wrap(cmdline.Usagef("import: which files?"), "tlskeeper import /var/log/apache2/tls.log.*.gz")
	}
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	path, err := a.database(c)
	if err != nil {
		return err
	}
	o, err := ownerOf(path, true)
	if err != nil {
		return err
	}
	if !o.IsRoot() {
		h := handed{Database: path, Agent: config.Agent{Client: cfg.Agent.Client}}
		if path == cfg.Agent.Database {
			h.Agent.MaxSize = cfg.Agent.MaxSize
		}
		return a.leaveImport(c, o, h)
	}
	s, err := a.openToFill(c, cfg, path)
	if err != nil {
		return err
	}
	defer s.Close()
	results, err := a.ingest(c, s)
	return a.printImports(c, results, err)
}

// openToFill opens the database at path for an import. The agent's own keeps its
// limit.
func (a *app) openToFill(c *cli.Context, cfg *config.Config, path string) (*store.Store, error) {
	s, err := store.OpenContext(c.Context, path, store.Options{Client: cfg.Agent.Client, Log: a.log(c)})
	if err != nil || path != cfg.Agent.Database {
		return s, err
	}
	if err := s.Limit(int64(cfg.Agent.MaxSize)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// printImports writes the results, also those beside an error, which it returns.
func (a *app) printImports(c *cli.Context, results []ingest.Result, err error) error {
	if a.json(c) {
		return cmp.Or(err, a.printJSON(append([]ingest.Result{}, results...)))
	}
	for _, r := range results {
		a.printImport(r)
	}
	return err
}

// ingest takes the files in: opened by us, or by root.
func (a *app) ingest(c *cli.Context, s *store.Store) ([]ingest.Result, error) {
	if a.handed != nil {
		src := ingest.Source{Open: a.openHanded, Read: a.handed.told()}
		return ingest.Import(c.Context, s, src, a.handed.names(), a.log(c))
	}
	read, done := a.progress(c, c.Args().Slice())
	defer done()
	return ingest.Import(c.Context, s, ingest.Source{Read: read}, c.Args().Slice(), a.log(c))
}

// portion is how many files are handed over at once: even a process that may have
// 200 open needs some for itself, before it can ask for more.
const portion = 100

// leaveImport has the files, which root opens, taken in by the owner of the
// database. As with our own, a portion in which a file fails does not stop the others.
func (a *app) leaveImport(c *cli.Context, o owner.Owner, h handed) error {
	read, done := a.progress(c, c.Args().Slice())
	defer done()
	results, failed := []ingest.Result{}, error(nil)
	for paths := range slices.Chunk(c.Args().Slice(), portion) {
		out := &reply{}
		err := a.leavePortion(c, o, h, paths, out, read)
		if err != nil && !is[*childError](err) {
			return err
		}
		failed = cmp.Or(failed, err)
		if out.Len() == 0 {
			continue // printed already, or nothing was taken in
		}
		var more []ingest.Result
		if err := json.Unmarshal(out.Bytes(), &more); err != nil {
			return fmt.Errorf("importing: the answer of the database's owner cannot be read: %v", err)
		}
		results = append(results, more...)
	}
	if a.json(c) {
		failed = cmp.Or(failed, a.printJSON(results))
	}
	return failed
}

// leavePortion is leaveImport of some files. Results go to out where they are JSON.
func (a *app) leavePortion(c *cli.Context, o owner.Owner, h handed, paths []string, out *reply, read func(int)) error {
	w := owner.Work{Args: a.args[1:]}
	if a.json(c) {
		w.Stdout = out
	}
	h.Files, w.Files = handOver(paths)
	defer closeAll(w.Files)
	told, stop, err := counted(read)
	if err != nil {
		return err
	}
	h.Progress = owner.FirstFile + len(w.Files)
	defer stop()
	defer told.Close()
	w.Files = append(w.Files, told)
	return a.leave(c.Context, o, h, w)
}

// progress draws a bar on a terminal while files are read, and nothing elsewhere.
func (a *app) progress(c *cli.Context, files []string) (read func(n int), done func()) {
	if !term.IsTerminal(a.stderr) || c.Bool("quiet") {
		return func(int) {}, func() {}
	}
	var total int64
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			total += info.Size()
		}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription("importing"), progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(n int) { bar.Add(n) }, func() { bar.Finish() }
}

func (a *app) printImport(r ingest.Result) {
	fmt.Fprintf(a.stdout, "%s: %d lines, %d new", term.Escape(r.Path), r.Lines, r.New)
	if r.Unparsed > 0 {
		fmt.Fprintf(a.stdout, ", %d not in the log's format", r.Unparsed)
	}
	fmt.Fprintln(a.stdout)
	if r.Unfinished > 0 {
		fmt.Fprintf(a.stderr, "%s: its last line is not finished (%d bytes): left out\n", term.Escape(r.Path), r.Unfinished)
	}
	if r.Followed > 0 {
		fmt.Fprintf(a.stderr, "%s: the agent follows it and will read the last %d bytes\n", term.Escape(r.Path), r.Followed)
	}
}
