package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"tlskeeper/acme/acmetest"
	"tlskeeper/apacheconf/apachetest"
	"tlskeeper/internal/child"
	"tlskeeper/logship/logshiptest"
)

// names are what the demo's certificate is for; .test never exists (RFC 2606).
var names = []string{"www.demo.test", "demo.test"}

// parts are the real programs around tlskeeper: an Apache, an ACME CA, and an
// endpoint that speaks CloudWatch Logs.
type parts struct {
	apache *apachetest.Apache
	ca     *acmetest.CA
	logs   *logshiptest.Server
	oldCA  *apachetest.CA
}

// startParts starts them, on free loopback ports, in the root.
func startParts(ctx context.Context, r *root) (p *parts, err error) {
	p = &parts{}
	if p.apache, p.oldCA, err = oldSite(r); err != nil {
		return p, err
	}
	if p.ca, err = acmetest.Start(acmetest.Options{
		Dir: r.path(), HTTPPort: p.apache.HTTPPort, NonceReject: nonceReject, SleepSeconds: 1}); err != nil {
		return p, err
	}
	if p.logs, err = logshiptest.Start(); err != nil {
		return p, err
	}
	return p, p.apache.Start(ctx)
}

// nonceReject is Pebble's own default: one good nonce in twenty is refused.
const nonceReject = 5

// oldSite is the host before tlskeeper: one site on plain HTTP and on TLS,
// with an RSA certificate and all the suites of yesterday.
func oldSite(r *root) (*apachetest.Apache, *apachetest.CA, error) {
	ca, err := apachetest.NewCA()
	if err != nil {
		return nil, nil, err
	}
	pair, err := ca.Issue(r.path("old"), apachetest.Leaf{Names: names, KeyType: "rsa2048"})
	if err != nil {
		return nil, nil, err
	}
	dir := r.path("httpd")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, nil, err
	}
	a, err := apachetest.New(dir, apachetest.Options{
		Global:          "SSLProtocol all -SSLv3\nSSLCipherSuite ALL:!aNULL:!eNULL\n",
		IncludeOptional: []string{r.path("etc", "tlskeeper", "apache", "tlskeeper.conf")},
		VHosts: []apachetest.VHost{
			{Name: names[0], Aliases: names[1:], Plain: true},
			{Name: names[0], Aliases: names[1:], CertFile: pair.CertFile, KeyFile: pair.KeyFile},
		}})
	return a, ca, err
}

// roots are what the demo's clients trust: the old CA and the new one.
func (p *parts) roots() (*x509.CertPool, error) {
	pool := p.oldCA.Roots()
	for _, root := range p.ca.IssuingRoots() {
		pool.AddCert(root)
	}
	return pool, nil
}

// stop ends what was started, whatever state it is in.
func (p *parts) stop() error {
	var errs []error
	if p.apache != nil {
		errs = append(errs, p.apache.Stop(background()))
	}
	if p.ca != nil {
		errs = append(errs, p.ca.Close())
	}
	if p.logs != nil {
		errs = append(errs, p.logs.Close())
	}
	return errors.Join(errs...)
}

const rotateConf = "logrotate.conf"

// rotate runs the real logrotate with the lines of Debian's apache2 package:
// the new file exists before any worker has let go of the old one.
func (p *parts) rotate(ctx context.Context, r *root) error {
	conf := fmt.Sprintf(`%s {
	rotate 14
	missingok
	delaycompress
	compress
	create 640 root root
	sharedscripts
	postrotate
		%s -d %s -f %s -k graceful
	endscript
}
`, r.tlsLog(), p.apache.Binary, p.apache.Dir, p.apache.ConfigFile)
	file := r.path(rotateConf)
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return err
	}
	argv := []string{"/usr/sbin/logrotate", "--force", "--state", r.path("logrotate.state"), file}
	_, err := child.Run(ctx, child.Cmd{Argv: argv, Timeout: commandTimeout})
	return err
}

func (r *root) tlsLog() string { return r.path("httpd", "logs", "tls.log") }

// config is the configuration file that the demo's administrator wrote.
func (p *parts) config(r *root) string {
	return fmt.Sprintf(`[acme]
agree_tos = true
directory = %q
ca_file = %q
webroot = %q

[[certificate]]
names = ["%s", "%s"]

[apache]
binary = %q
server_root = %q
config_file = %q
tls_log = %q
start_command = [%q, "-d", %q, "-f", %q, "-k", "start"]

[agent]
logs = [%q]
quiet = "10s"

[cloudwatch]
group = "/demo/apache/tls"
stream = "demo-host"
region = %q
endpoint = %q
`, p.ca.Directory, p.ca.RootFile, p.apache.DocRoot, names[0], names[1],
		p.apache.Binary, p.apache.Dir, p.apache.ConfigFile, r.tlsLog(),
		p.apache.Binary, p.apache.Dir, p.apache.ConfigFile,
		r.tlsLog(), logshiptest.Region, p.logs.URL)
}
