package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlskeeper/internal/dnsname"
	"tlskeeper/templates"
)

// The words that the file may use. What they mean belongs to the packages
// that do the work; a test of the command line holds the lists together.
var (
	cas        = []string{"letsencrypt", "letsencrypt-staging", "zerossl", "google"}
	keyTypes   = []string{"secp384r1", "secp256r1", "rsa2048", "rsa4096"}
	challenges = []string{"http-01", "tls-alpn-01", "dns-01"}
	providers  = []string{"exec", "httpreq", "route53"}
	profiles   = templates.ProfileNames()
	hstsSteps  = []string{"off", "5m", "1w", "6mo", "2y"}
	clients    = []string{"full", "truncated", "none"} // from the most to the least
)

// retentions are the days that CloudWatch Logs accepts for a log group
// (PutRetentionPolicy, parameter retentionInDays); 0 leaves the group alone.
var retentions = []int{
	0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
	1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

// Words lists what may stand behind a key that takes one of a few words, nil
// for any other key.
func Words(key string) []string {
	return map[string][]string{
		"ca": cas, "key_type": keyTypes, "challenge": challenges, "dns_provider": providers,
		"apache.profile": profiles, "hsts": hstsSteps, "client": clients,
	}[key]
}

type validator struct {
	file     string
	lines    lines
	problems []*Error
}

func (v *validator) problem(key, hint, format string, args ...any) {
	v.problems = append(v.problems, &Error{File: v.file, Line: v.lines.at(key), Msg: fmt.Sprintf(format, args...), Hint: hint})
}

func (v *validator) config(c *Config) {
	v.acme(c)
	v.fallbacks(c)
	v.certificates(c)
	v.challenges(c.Challenges)
	v.apache(c.Apache)
	v.agent(c.Agent, c.isSet("agent.logs") && c.origins["agent.logs"] != fromApache)
	v.cloudWatch(c.CloudWatch, c.Agent.Client, c.isSet("cloudwatch"))
	v.hooks(c.Hooks)
	v.ways(c)
}

func (v *validator) acme(c *Config) {
	a := c.ACME
	v.oneOf("acme.ca", a.CA, cas)
	v.place("acme.directory", a.Directory)
	v.place("acme.ca_file", a.CAFile)
	v.place("acme.eab_hmac_file", a.EABHMACFile)
	v.answer("acme", a.KeyType, a.Challenge, a.Webroot, a.Listen)
	if _, err := mail.ParseAddress(a.Email); a.Email != "" && err != nil {
		v.problem("acme.email", "", "email %q is not a mail address", a.Email)
	}
	if a.Keep < 1 {
		v.problem("acme.keep", "", "keep must be 1 or more: the certificate in use is one of them")
	}
	if a.FailoverAfter < 1 {
		v.problem("acme.failover_after", "", "failover_after must be 1 or more")
	}
	v.eab("acme", a.EABKID, a.EABHMACFile)
}

func (v *validator) eab(table, kid, file string) {
	if (kid == "") != (file == "") {
		v.problem(table+".eab_kid", "the CA gives both together", "eab_kid and eab_hmac_file need each other")
	}
}

func (v *validator) fallbacks(c *Config) {
	for i, f := range c.Fallbacks {
		table := fmt.Sprintf("fallback[%d]", i)
		if f.CA != "" {
			v.oneOf(table+".ca", f.CA, cas)
		}
		if (f.CA == "") == (f.Directory == "") {
			v.problem(table, `ca = "zerossl"`, "[[fallback]] needs a ca, or the directory of one, and not both")
		}
		if f.CA != "" && f.CA == c.ACME.CA && c.ACME.Directory == "" || f.Directory != "" && f.Directory == c.ACME.Directory {
			v.problem(table, "", "this is the CA that [acme] has")
		}
		v.place(table+".directory", f.Directory)
		v.place(table+".ca_file", f.CAFile)
		v.place(table+".eab_hmac_file", f.EABHMACFile)
		v.eab(table, f.EABKID, f.EABHMACFile)
	}
}

// answer checks what [acme] and a [[certificate]] share.
func (v *validator) answer(table, keyType, challenge, webroot, listen string) {
	v.oneOf(table+".key_type", keyType, keyTypes)
	v.oneOf(table+".challenge", challenge, challenges)
	v.place(table+".webroot", webroot)
	if listen != "" && !isListenAddress(listen) {
		v.problem(table+".listen", `such as ":80" or "127.0.0.1:5002"`, "listen %q is not an address with a port", listen)
	}
	if webroot != "" && listen != "" {
		v.problem(table+".listen", "leave one of the two out", "webroot and listen are two ways to do the same thing")
	}
}

func (v *validator) apache(a Apache) {
	v.place("apache.binary", a.Binary)
	v.place("apache.server_root", a.ServerRoot)
	v.place("apache.config_file", a.ConfigFile)
	v.place("apache.tls_log", a.TLSLog)
	if _, known := templates.Lookup(a.Profile); !known {
		v.oneOf("apache.profile", a.Profile, profiles)
	}
	v.oneOf("apache.hsts", a.HSTS, hstsSteps)
	v.command("apache.start_command", a.StartCommand)
	for _, site := range a.Redirect {
		if why := dnsname.Problem(site); why != "" {
			v.problem("apache.redirect", "", "%s: %s", site, why)
		}
	}
}

// agent checks [agent]; logs that follow apache.tls_log are checked there.
func (v *validator) agent(a Agent, ownLogs bool) {
	if len(a.Logs) == 0 {
		v.problem("agent.logs", "", "logs is empty: the agent would have nothing to read")
	}
	for _, path := range a.Logs {
		if ownLogs {
			v.place("agent.logs", path)
		}
	}
	v.place("agent.database", a.Database)
	v.oneOf("agent.client", a.Client, clients)
	v.between("agent.poll", a.Poll, 10*time.Millisecond, time.Minute)
	v.between("agent.quiet", a.Quiet, time.Second, 7*24*time.Hour)
	if a.RetentionDays < 0 {
		v.problem("agent.retention_days", "0 keeps everything", "retention_days cannot be %d", a.RetentionDays)
	}
	if a.MaxSize != 0 && a.MaxSize < leastSize {
		v.problem("agent.max_size", `"0" is without limit`, "max_size is %s and must be at least %s", a.MaxSize, leastSize)
	}
}

// cloudWatch checks [cloudwatch]; kept is what [agent] keeps of addresses.
func (v *validator) cloudWatch(w CloudWatch, kept string, present bool) {
	if !present {
		return
	}
	if w.Group == "" {
		v.problem("cloudwatch", `group = "tlskeeper"; without the section nothing leaves this host`, "[cloudwatch] needs a group")
	}
	v.place("cloudwatch.endpoint", w.Endpoint)
	v.oneOf("cloudwatch.client", w.Client, clients)
	// Lines are shipped from the database: what it dropped nobody can send.
	if i := slices.Index(clients, w.Client); i >= 0 && i < slices.Index(clients, kept) {
		v.problem("cloudwatch.client", fmt.Sprintf("leave it out, or write client = %q; or let [agent] keep more", kept),
			"[cloudwatch] cannot ship client = %q of what [agent] keeps %q of", w.Client, kept)
	}
	if !slices.Contains(retentions, w.RetentionDays) {
		v.problem("cloudwatch.retention_days", nearRetention(w.RetentionDays), "CloudWatch cannot keep lines for %d days", w.RetentionDays)
	}
}

func nearRetention(days int) string {
	for _, r := range retentions {
		if r > days {
			return fmt.Sprintf("the next that it can is %d", r)
		}
	}
	return "0 keeps them for ever"
}

func (v *validator) hooks(h Hooks) {
	v.command("hooks.pre", h.Pre)
	v.command("hooks.deploy", h.Deploy)
	v.command("hooks.post", h.Post)
	v.between("hooks.timeout", h.Timeout, time.Second, time.Hour)
}

func (v *validator) oneOf(key, value string, allowed []string) {
	if slices.Contains(allowed, value) {
		return
	}
	known := map[string]int{}
	for _, a := range allowed {
		known[a] = 0
	}
	v.problem(key, didYouMean(value, known), "%s cannot be %q", lastPart(key), value)
}

func (v *validator) between(key string, d, least, most time.Duration) {
	if d < least || d > most {
		v.problem(key, "", "%s is %v and must be between %v and %v", lastPart(key), d, least, most)
	}
}

// command checks a program with its arguments. It must be named by full path:
// what runs as root should not depend on a search path.
func (v *validator) command(key string, argv []string) {
	if len(argv) == 0 {
		return
	}
	if !filepath.IsAbs(argv[0]) {
		v.problem(key, `a list of the program and its arguments, such as ["/usr/bin/systemctl", "reload", "postfix"]`,
			"%s must begin with the full path of a program, not %q", lastPart(key), shorten(argv[0]))
	}
}

func (v *validator) place(key, value string) {
	if msg := checkPlace(key, value); msg != "" {
		v.problem(key, "", "%s", msg)
	}
}

// checkPlace checks the value of a key that holds a URL or a path.
func checkPlace(key, value string) string {
	name := lastPart(key)
	switch {
	case value == "":
		return ""
	case strings.ContainsAny(value, "\x00\n\r"):
		return name + " contains a line break"
	case name == "directory" || name == "endpoint":
		return checkURL(name, value)
	case !filepath.IsAbs(value):
		return fmt.Sprintf("%s must be a full path that begins with /, not %q", name, shorten(value))
	}
	return ""
}

func checkURL(name, value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Sprintf("%s must be a URL such as https://ca.example.org/directory, not %q", name, shorten(value))
	}
	if u.User != nil {
		return name + " must not hold a user name or password"
	}
	if u.Scheme == "http" && (name == "directory" || !isLoopback(u.Hostname())) {
		return fmt.Sprintf("%s must begin with https://: in clear, others could read and change what is sent to %s", name, shorten(u.Host))
	}
	return ""
}

// isLoopback lets a service on this very host be reached in clear.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func isListenAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
}

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
