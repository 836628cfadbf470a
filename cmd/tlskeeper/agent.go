package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/flock"
	"tlskeeper/internal/owner"
	"tlskeeper/logship"
	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

func (a *app) agentCommand() *cli.Command {
	return &cli.Command{
		Name:  "agent",
		Usage: "follow the TLS log, keep every line, ship every line",
		UsageText: `tlskeeper agent                         # runs until it is stopped; systemd starts it so
tlskeeper agent --once                  # read and ship what there is, then end
tlskeeper agent --once --root ./trial`,
		Description: "Reads the logs of [agent] through every rotation into the database, each line\n" +
			"once, and sends them to the group of [cloudwatch], each line at least once. Without\n" +
			"that section nothing leaves the host. An outage of the service, a full disk or a log\n" +
			"that is not there yet are waited out; tlskeeper status tells how far behind it is.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "once", Usage: "end when everything there is has been read and shipped"},
		},
		Action: a.agent,
	}
}

func (a *app) agent(c *cli.Context) error {
	cfg, err := a.configOrDefault(c)
	if err != nil {
		return err
	}
	if o, err := ownerOf(cfg.Agent.Database, true); err != nil {
		return err
	} else if !o.IsRoot() {
		return a.leaveAgent(c.Context, o, cfg)
	}
	conf := logship.Config{
		Logs: cfg.Agent.Logs, Poll: cfg.Agent.Poll, Quiet: cfg.Agent.Quiet,
		Retention: time.Duration(cfg.Agent.RetentionDays) * 24 * time.Hour,
		Once:      c.Bool("once"), Log: a.log(c),
	}
	if conf.CloudWatch, err = a.cloudWatch(c, cfg); err != nil {
		return err
	}
	if conf.Store, err = store.OpenContext(c.Context, cfg.Agent.Database, store.Options{Client: cfg.Agent.Client, Log: conf.Log}); err != nil {
		return err
	}
	defer conf.Store.Close()
	if err := conf.Store.Limit(int64(cfg.Agent.MaxSize)); err != nil {
		return err
	}
	return runAgent(c.Context, cfg, conf)
}

// agentGrace is what the agent's unit gives it to ship what is in flight.
const agentGrace = 30 * time.Second

// leaveAgent runs the agent as the owner of its directory, with the groups of
// that user, as its unit does. The configuration is handed over: the work may not
// read root's, and stands in another directory.
func (a *app) leaveAgent(ctx context.Context, o owner.Owner, cfg *config.Config) error {
	h := handed{Database: cfg.Agent.Database, Paths: cfg.Paths, Agent: cfg.Agent, CloudWatch: cfg.CloudWatch}
	return a.leave(ctx, o, h, owner.Work{Args: a.args[1:], Env: agentEnvironment(o), Groups: o.Groups(), Grace: agentGrace})
}

// agentEnvironment is what the agent's unit would give it: the service manager's
// variables and, as from its EnvironmentFile, those of the AWS SDK and of
// net/http. The man page lists them.
func agentEnvironment(o owner.Owner) []string {
	home := "/"
	if account, err := user.LookupId(strconv.Itoa(int(o.UID))); err == nil {
		home = account.HomeDir
	}
	return append(chosen("AWS_", "TZ", "LANG", "LC_ALL", "NO_COLOR", "TERM", "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NOTIFY_SOCKET", "WATCHDOG_",
		"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"), "HOME="+home)
}

// runAgent lets one agent alone write to a database.
func runAgent(ctx context.Context, cfg *config.Config, conf logship.Config) error {
	lock, err := flock.Acquire(ctx, cfg.Agent.Database+".agent", 0)
	if is[*flock.HeldError](err) {
		return fmt.Errorf("another agent fills %s: %w", cfg.Agent.Database, err)
	}
	if err != nil {
		return fmt.Errorf("beginning to fill %s: %w", cfg.Agent.Database, err)
	}
	defer lock.Release()
	if err := durable.MkdirBase(cfg.Paths.Log, 0o750); err != nil {
		return fmt.Errorf("making the state directory: %w", err)
	}
	p := publisher{path: status.AgentPath(cfg.Paths.Log), pid: os.Getpid()}
	if conf.CloudWatch != nil {
		p.destination = conf.CloudWatch.String()
	}
	conf.Publish = p.write
	err = logship.Run(ctx, conf)
	if p.last.Started.IsZero() { // it never began
		return err
	}
	p.pid = 0
	if failed := p.write(p.last); err == nil {
		err = failed
	}
	return err
}

// cloudWatch is nil where the configuration names no group.
func (a *app) cloudWatch(c *cli.Context, cfg *config.Config) (*cloudwatch.Client, error) {
	w := cfg.CloudWatch
	if w.Group == "" {
		return nil, nil
	}
	return cloudwatch.New(c.Context, cloudwatch.Config{
		Group: w.Group, Stream: w.Stream, Region: w.Region, Endpoint: w.Endpoint, Profile: w.Profile,
		RetentionDays: w.RetentionDays, Gzip: w.Gzip, Client: w.Client, Log: a.log(c),
	})
}

// publisher writes an agent's counters where tlskeeper status reads them.
type publisher struct {
	path, destination string
	pid               int // 0 after the end
	last              tally.Stats
}

func (p *publisher) write(st tally.Stats) error {
	p.last = st
	out := status.Agent{
		PID: p.pid, StartedAt: st.Started, WrittenAt: time.Now(), Destination: p.destination,
		Lines: st.Lines, Unparsed: st.Unparsed, Shipped: st.Shipped, Rejected: st.Rejected, Backlog: st.Backlog,
		LastLineAt: st.LastLine, LastShipAt: st.LastShip, LastError: st.LastError, LastErrorAt: st.LastErrorAt,
		PausedSince: st.PausedSince, PausedWhy: st.PausedWhy, Pruned: st.Pruned,
		DatabaseBytes: st.Size.Pages, DatabaseMost: st.Size.Most, WALBytes: st.Size.WAL,
	}
	for _, f := range st.Files {
		out.Files = append(out.Files, status.File{Path: f.Path, Offset: f.Offset, Size: f.Size})
	}
	return status.WriteAgent(p.path, out)
}
