package renewal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/store"
	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/testenv"
	"tlskeeper/templates"
)

// rivalTimeout bounds one run of any of the programs.
const rivalTimeout = 2 * time.Minute

// client is a program that gets certificates, in a directory of its own.
type client struct {
	name, program string
	dir           string
	ca            *acmetest.CA
	webroot       string
}

// clients are ours, built from this tree, Debian's certbot, and lego's CLI
// where LEGO names it (make bin/lego).
func clients(b *testing.B, ca *acmetest.CA, webroot string) []client {
	b.Helper()
	ours := filepath.Join(b.TempDir(), "tlskeeper")
	if out, err := exec.Command("make", "-C", "../../../..", "binary", "OUT="+ours).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	found := []client{{name: "tlskeeper", program: ours, ca: ca, webroot: webroot}}
	if testenv.Has("certbot") {
		found = append(found, client{name: "certbot", program: "certbot", ca: ca, webroot: webroot})
	} else {
		b.Log("certbot is not installed: no comparison (apt-get install certbot)")
	}
	if lego := os.Getenv("LEGO"); lego != "" {
		found = append(found, client{name: "lego", program: lego, ca: ca, webroot: webroot})
	} else {
		b.Log("LEGO does not name lego's CLI: no comparison")
	}
	return found
}

// cost is what one run took.
type cost struct{ wall, cpu time.Duration }

// run executes the program and measures it. Ours ends with 4: issued, and no
// Apache to serve it.
func (c client) run(b *testing.B, args ...string) cost {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), rivalTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Env = append(os.Environ(), "LEGO_CA_CERTIFICATES="+c.ca.RootFile, "REQUESTS_CA_BUNDLE="+c.ca.RootFile)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err := cmd.Run()
	took := cost{time.Since(begin), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if code := cmd.ProcessState.ExitCode(); err != nil && (c.name != "tlskeeper" || code != 4) {
		b.Fatalf("%s: %v: %s", c.name, err, out.Bytes())
	}
	return took
}

// issue gets the first certificate of a host, the account included.
func (c client) issue(b *testing.B, name string) cost {
	b.Helper()
	switch c.name {
	case "certbot":
		return c.run(b, append(c.certbotDirs(), "certonly", "--webroot", "-w", c.webroot, "-d", name, "--server", c.ca.Directory,
			"--agree-tos", "--register-unsafely-without-email", "-n")...)
	case "lego":
		return c.run(b, append(c.legoArgs(name), "run")...)
	}
	c.configure(b, []string{name}, "binary = \"/nonexistent/httpd\"\nserver_root = \""+c.dir+"\"\n")
	return c.run(b, "--root", c.dir, "issue")
}

func (c client) certbotDirs() []string {
	return []string{"--config-dir", c.dir + "/etc", "--work-dir", c.dir + "/work", "--logs-dir", c.dir + "/log"}
}

func (c client) legoArgs(name string) []string {
	return []string{"--path", c.dir, "--server", c.ca.Directory, "--accept-tos", "--email", "a@example.org", "--http", "--http.webroot", c.webroot, "-d", name}
}

// configure writes our configuration. Its Apache is not the host's own, which
// is none of a benchmark's business.
func (c client) configure(b *testing.B, names []string, apache string) {
	b.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "[acme]\nagree_tos = true\ndirectory = %q\nca_file = %q\nwebroot = %q\n[apache]\n%s", c.ca.Directory, c.ca.RootFile, c.webroot, apache)
	for _, n := range names {
		fmt.Fprintf(&text, "[[certificate]]\nnames = [%q]\n", n)
	}
	dir := filepath.Join(c.dir, "etc", "tlskeeper")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFirstIssue is one process: account, order, validation, files.
func BenchmarkFirstIssue(b *testing.B) {
	webroot := b.TempDir()
	ca := acmetest.New(b, acmetest.Options{HTTPPort: acmetest.Webroot(b, webroot)})
	compare(b, clients(b, ca, webroot), func(b *testing.B, c client) cost {
		c.dir = b.TempDir()
		return c.issue(b, "www.example.org")
	})
}

// noop is how many certificates a renewal without work looks at.
const noop = 100

// BenchmarkNoopRenew is a renewal of 100 certificates none of which is due:
// one process, of lego one for each certificate. Ours also sees all of them
// being served by an Apache; the others do not look.
func BenchmarkNoopRenew(b *testing.B) {
	webroot := b.TempDir()
	ca := acmetest.New(b, acmetest.Options{HTTPPort: acmetest.Webroot(b, webroot)})
	all := clients(b, ca, webroot)
	for i := range all {
		all[i].dir = b.TempDir()
		all[i].fill(b)
	}
	compare(b, all, func(b *testing.B, c client) cost {
		switch c.name {
		case "certbot":
			return c.run(b, append(c.certbotDirs(), "renew", "-n", "-q")...)
		case "lego":
			var sum cost
			for i := range noop {
				one := c.run(b, append(c.legoArgs(nameOf(i)), "renew", "--days", "30")...)
				sum.wall, sum.cpu = sum.wall+one.wall, sum.cpu+one.cpu
			}
			return sum
		}
		return c.run(b, "--root", c.dir, "renew")
	})
}

func nameOf(i int) string { return fmt.Sprintf("www%d.example.org", i) }

// fill gives a client 100 certificates. Ours are issued; of the others one is,
// and the rest are copies under other names.
func (c client) fill(b *testing.B) {
	b.Helper()
	if c.name != "tlskeeper" {
		c.issue(b, nameOf(0))
		for i := 1; i < noop; i++ {
			c.copyAs(b, nameOf(i))
		}
		c.checkFilled(b)
		return
	}
	var names []string
	cfg := Config{Dir: config.PathsUnder(c.dir).ACME}
	for i := range noop {
		names = append(names, nameOf(i))
		cfg.Requests = append(cfg.Requests, acme.Request{Name: nameOf(i), Names: []string{nameOf(i)}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: c.webroot}})
	}
	var err error
	cfg.Client, err = acme.New(acme.Config{Dir: cfg.Dir, AgreeTOS: true, CAs: []acme.CA{{Name: "test", Directory: c.ca.Directory, CAFile: c.ca.RootFile}}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := Run(b.Context(), cfg, Options{}); err != nil {
		b.Fatal(err)
	}
	a := c.serve(b, names)
	c.configure(b, names, fmt.Sprintf("binary = %q\nserver_root = %q\nconfig_file = %q\n", a.Binary, a.Dir, a.ConfigFile))
	c.run(b, "--root", c.dir, "renew") // the first look
	store := store.Open(cfg.Dir)
	if list, err := store.List(); err != nil || len(list) != noop || !list[0].Deployed() {
		b.Fatal(len(list), err)
	}
}

// serve starts an Apache with a virtual host for each certificate.
func (c client) serve(b *testing.B, names []string) *apachetest.Apache {
	b.Helper()
	testenv.Need(b, "apache2")
	etc := filepath.Join(config.PathsUnder(c.dir).Etc, "apache")
	if err := os.MkdirAll(etc, 0o755); err != nil {
		b.Fatal(err)
	}
	var hosts []apachetest.VHost
	for _, n := range names {
		gen := filepath.Join(config.PathsUnder(c.dir).ACME, "certs", n, "gen", "000001")
		include := filepath.Join(etc, n+".conf")
		text, err := templates.Site{Name: n, CertFile: filepath.Join(gen, "fullchain.pem"), KeyFile: filepath.Join(gen, "key.pem")}.Render()
		if err == nil {
			err = os.WriteFile(include, text, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
		hosts = append(hosts, apachetest.VHost{Name: n, Body: "Include " + include + "\n"})
	}
	a := apachetest.Make(b, apachetest.Options{VHosts: hosts})
	if err := a.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return a
}

// checkFilled sees that certbot takes the copies for certificates of its own.
func (c client) checkFilled(b *testing.B) {
	b.Helper()
	if c.name != "certbot" {
		return
	}
	out, err := exec.Command(c.program, append(c.certbotDirs(), "renew", "-n")...).CombinedOutput()
	if got := strings.Count(string(out), "(skipped)"); err != nil || got != noop {
		b.Fatalf("certbot sees %d certificates that are not due: %v: %s", got, err, out)
	}
}

// copyAs copies everything of certificate 0, with the name replaced in names
// of files, in targets of links, and in certbot's settings.
func (c client) copyAs(b *testing.B, name string) {
	b.Helper()
	err := filepath.WalkDir(c.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(strings.TrimPrefix(path, c.dir), nameOf(0)) {
			return err
		}
		to := c.dir + strings.ReplaceAll(strings.TrimPrefix(path, c.dir), nameOf(0), name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if target, err := os.Readlink(path); err == nil {
			return os.Symlink(strings.ReplaceAll(target, nameOf(0), name), to)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, bytes.ReplaceAll(data, []byte(nameOf(0)), []byte(name)), 0o600)
	})
	if err != nil {
		b.Fatal(err)
	}
}

// compare measures each client, ours first, and reports how many times more
// the others take.
func compare(b *testing.B, all []client, once func(*testing.B, client) cost) {
	var ours cost
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			var sum cost
			runs := 0
			for b.Loop() {
				one := once(b, c)
				sum.wall, sum.cpu = sum.wall+one.wall, sum.cpu+one.cpu
				runs++
			}
			mean := cost{sum.wall / time.Duration(runs), sum.cpu / time.Duration(runs)}
			b.ReportMetric(float64(mean.wall.Microseconds())/1000, "wall-ms")
			b.ReportMetric(float64(mean.cpu.Microseconds())/1000, "cpu-ms")
			if c.name == "tlskeeper" {
				ours = mean
				return
			}
			b.ReportMetric(float64(mean.wall)/float64(ours.wall), "times-our-wall")
			b.ReportMetric(float64(mean.cpu)/float64(ours.cpu), "times-our-cpu")
		})
	}
}
