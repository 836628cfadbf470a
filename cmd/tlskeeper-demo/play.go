package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// stage is what the steps work with.
type stage struct {
	*root
	*parts
	*shell
	visitors  *visitors
	scans     int // each `tlskeeper scan` asks for / once, to see the headers
	stopAgent func() error
}

// sent is how many requests got an answer, the scans' own among them.
func (s *stage) sent() int { return int(s.visitors.answered.Load()) + s.scans }

// play runs the steps in the order in which a user would take them: measure,
// harden, see that it holds.
func play(ctx context.Context, out screen, r *root, p *parts, binary string) (err error) {
	s, err := newStage(out, r, p, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.endAgent()) }()
	for _, step := range []func(context.Context) error{
		s.measure, s.plan, s.issue, s.harden, s.work, s.ask, s.compare,
	} {
		if err := errors.Join(step(ctx), context.Cause(ctx)); err != nil {
			s.showAgentLog(err)
			return err
		}
	}
	return nil
}

func newStage(out screen, r *root, p *parts, binary string) (*stage, error) {
	roots, err := p.roots()
	if err != nil {
		return nil, err
	}
	copied := r.path("bin", "tlskeeper") // so that its processes carry the root on their command line
	env := append(p.logs.Env(), "TLSKEEPER_ROOT="+r.dir, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "TMPDIR="+os.TempDir())
	s := &stage{root: r, parts: p, shell: &shell{out, copied, env},
		visitors: &visitors{addr: p.apache.Addr(), names: names, roots: roots}}
	for _, dir := range []string{r.path("bin"), r.path("etc"), r.path("etc", "tlskeeper")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if err := copyFile(binary, copied); err != nil {
		return nil, err
	}
	s.say("(every command below runs with TLSKEEPER_ROOT=%s)", r.dir)
	return s, os.WriteFile(r.path("etc", "tlskeeper", "config.toml"), []byte(p.config(r)), 0o644)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// measure installs the log alone, starts the agent, and lets the visitors of
// the old configuration come by.
func (s *stage) measure(ctx context.Context) (err error) {
	s.heading("Measure first: install the TLS log, and nothing else")
	if err := s.run(ctx, nil, "apache", "apply", "--log-only", "--yes"); err != nil {
		return err
	}
	s.heading("The agent follows the log, keeps a local copy and ships it")
	if s.stopAgent, err = s.start(s.path("agent.log"), "agent"); err != nil {
		return err
	}
	s.heading("Visitors come, some of them old")
	s.visitors.send(ctx, modern, 8)
	s.visitors.send(ctx, legacy, 6)
	s.say("%s", s.visitors)
	return s.untilStored(ctx)
}

func (s *stage) plan(ctx context.Context) error {
	s.heading("What do they really negotiate, and what would hardening cost them?")
	if err := s.run(ctx, nil, "query", "ciphers"); err != nil {
		return err
	}
	return s.run(ctx, nil, "apache", "plan")
}

// issue gets the certificate. No vhost serves it yet, and exit code 4 says so.
func (s *stage) issue(ctx context.Context) error {
	s.heading("A secp384r1 certificate for %s and %s", names[0], names[1])
	if err := s.run(ctx, []int{4}, "issue"); err != nil {
		return err
	}
	return s.run(ctx, nil, "certs")
}

func (s *stage) harden(ctx context.Context) error {
	s.heading("Let the vhost serve it, and harden: proved on a shadow Apache, then live")
	if err := s.run(ctx, nil, "apache", "adopt", names[0], "--yes"); err != nil {
		return err
	}
	if err := s.run(ctx, nil, "apache", "apply", "--yes"); err != nil {
		return err
	}
	s.heading("What is really served now?")
	s.scans++
	return s.run(ctx, nil, "scan", s.apache.Addr(), "--sni", names[0], "--ca", s.ca.IssuingRootFile, "--profile", "intermediate")
}

// work keeps clients busy while the log is rotated and the certificate
// replaced.
func (s *stage) work(ctx context.Context) error {
	s.heading("A working day: visitors all the time, a log rotation, a renewal")
	before, err := s.served(ctx)
	if err != nil {
		return err
	}
	stop := s.visitors.load(ctx)
	defer stop()
	wait(ctx, time.Second)
	s.showCommand("logrotate", "--force", rotateConf)
	if err := s.rotate(ctx, s.root); err != nil {
		return err
	}
	wait(ctx, time.Second)
	if err := s.shell.run(ctx, nil, "renew", "--force"); err != nil {
		return err
	}
	wait(ctx, time.Second)
	stop()
	s.visitors.send(ctx, modern, 20)
	after, err := s.served(ctx)
	if err == nil && after == before {
		err = errors.New("the old certificate is still served")
	}
	s.say("certificate served before: %s, now: %s", before, after)
	s.say("%s", s.visitors)
	return err
}

// served is the serial number that a visitor sees.
func (s *stage) served(ctx context.Context) (string, error) {
	conn, err := s.visitors.dial(ctx, modern[0], names[0])
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return fmt.Sprintf("serial %x", conn.ConnectionState().PeerCertificates[0].SerialNumber), nil
}

func (s *stage) ask(ctx context.Context) error {
	if err := s.untilStored(ctx); err != nil {
		return err
	}
	s.heading("What do clients negotiate now?")
	if err := s.run(ctx, nil, "query", "ciphers"); err != nil {
		return err
	}
	if err := s.run(ctx, nil, "query", "SELECT user_agent, count(*) FROM log GROUP BY 1 ORDER BY 2 DESC"); err != nil {
		return err
	}
	return s.run(ctx, []int{3}, "status")
}

// stored asks the local copy, as a user would.
func (s *stage) stored(ctx context.Context) (int, error) {
	out, err := s.answer(ctx, "query", "--format", "csv", "SELECT count(*) AS n FROM log")
	if err != nil {
		return 0, err
	}
	var n string
	if _, err := fmt.Sscanf(out, "n\n%s", &n); err != nil {
		return 0, fmt.Errorf("reading the count in %q: %w", out, err)
	}
	return strconv.Atoi(n)
}

// untilStored waits until every answered request is in the local copy and
// with the log service.
func (s *stage) untilStored(ctx context.Context) error {
	sent := s.sent()
	for deadline := time.Now().Add(30 * time.Second); ; wait(ctx, 100*time.Millisecond) {
		rows, err := s.stored(ctx)
		if rows >= sent && s.logs.Accepted() >= sent || ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return errors.Join(err, fmt.Errorf("%d requests sent, but only %d rows stored and %d events shipped",
				sent, rows, s.logs.Accepted()))
		}
	}
}

// compare holds the three counts against each other. The agent is stopped
// first: nothing may be under way any more.
func (s *stage) compare(ctx context.Context) error {
	if err := s.endAgent(); err != nil {
		return err
	}
	rows, err := s.stored(ctx)
	if err != nil {
		return err
	}
	sent, accepted, failed := s.sent(), s.logs.Accepted(), s.visitors.failed.Load()
	s.heading("Requests sent: %d   rows stored: %d   events accepted: %d", sent, rows, accepted)
	if sent != rows || rows != accepted {
		return errors.New("the three counts differ")
	}
	if failed != 0 {
		return fmt.Errorf("%d requests on new connections failed: %w", failed, s.visitors.first)
	}
	s.say("(%d by the visitors, %d by tlskeeper's own scan)", sent-s.scans, s.scans)
	s.say("The three counts agree, and no request on a new connection failed.")
	return nil
}

func (s *stage) endAgent() error {
	if s.stopAgent == nil {
		return nil
	}
	stop := s.stopAgent
	s.stopAgent = nil
	return stop()
}

// showAgentLog adds what the agent said, when something went wrong.
func (s *stage) showAgentLog(err error) {
	text, readErr := os.ReadFile(s.path("agent.log"))
	if err == nil || readErr != nil || len(text) == 0 {
		return
	}
	s.print("\nthe agent's log:\n")
	s.show(text)
}
