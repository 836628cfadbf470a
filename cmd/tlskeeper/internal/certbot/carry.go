package certbot

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"tlskeeper/acme"
	"tlskeeper/acme/challenge"
	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/leaf"
)

// carried is what becomes of one lineage.
type carried struct {
	cert    config.Certificate
	others  map[string]string // webroots of names that have another than cert's
	blocked []string          // why it cannot be renewed by us as it stands
	notes   []string          // what of its settings is not carried over
}

func (c *carried) block(format string, args ...any) {
	c.blocked = append(c.blocked, fmt.Sprintf(format, args...))
}

func (c *carried) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// Webroots find the directory that answers for a name where certbot's settings
// have none.
type Webroots struct {
	Given  string                   // by the user, for every name; "" where none was given
	Apache func(name string) string // for what certbot's apache plugin proved; nil where there is no Apache
}

// of is "" where nobody knows.
func (w Webroots) of(authenticator, name string) string {
	if w.Given == "" && authenticator == "apache" && w.Apache != nil {
		return w.Apache(name)
	}
	return w.Given
}

// carry translates a lineage.
func carry(l Lineage, webroots Webroots) carried {
	c := carried{cert: config.Certificate{Name: l.Name}, others: map[string]string{}, notes: slices.Clone(l.Faults)}
	if len(l.Versions) == 0 {
		c.block("its certificate cannot be read")
		return c
	}
	chain, err := leaf.ParseChain(l.Versions[len(l.Versions)-1].Chain)
	if err != nil {
		c.block("%v", err)
		return c
	}
	c.cert.Names = namesOf(chain[0])
	c.key(l.Settings.Params, chain[0])
	c.way(l.Settings, webroots)
	c.policy(l.Settings.Params)
	c.leftOver(l.Settings)
	return c
}

// namesOf keeps the order of the certificate.
func namesOf(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// ours are the kinds of key that the configuration knows.
var ours = config.Words("key_type")

// key takes the kind of the certificate that is there: older settings do not
// name it, and the default has changed between versions of certbot.
func (c *carried) key(params map[string]string, cert *x509.Certificate) {
	c.cert.KeyType = leaf.KeyType(cert.PublicKey)
	if !slices.Contains(ours, c.cert.KeyType) {
		c.note("a key of the kind %s: ours will be %s", c.cert.KeyType, acme.DefaultKeyType)
		c.cert.KeyType = string(acme.DefaultKeyType)
	}
	c.cert.ReuseKey = truth(params["reuse_key"])
}

// way translates the authenticator.
func (c *carried) way(s Settings, known Webroots) {
	c.cert.Challenge = challenge.HTTP01
	if prefs := list(cmp.Or(s.Params["pref_challs"], s.Params["preferred_challenges"])); len(prefs) > 0 && !slices.Contains(prefs, challenge.HTTP01) && s.Params["authenticator"] == "webroot" {
		c.note("pref_challs = %s", strings.Join(prefs, ", "))
	}
	switch a := s.Params["authenticator"]; {
	case a == "webroot":
		c.webroots(webrootsIn(s, known))
	case a == "standalone":
		c.cert.Listen = net.JoinHostPort(s.Params["http01_address"], strconv.Itoa(cmp.Or(number(s.Params["http01_port"]), 80)))
	case a == "dns-route53":
		c.cert.Challenge, c.cert.DNSProvider = challenge.DNS01, "route53"
	case strings.HasPrefix(a, "dns-"):
		c.block(`certbot's plugin %s has no counterpart: set challenge = "dns-01" with dns_provider "exec" and a program that changes the record`, a)
	case a == "manual":
		c.block(`certbot's manual hooks (%s) speak another language: set challenge = "dns-01" and dns_exec, or a webroot`, hookOf(s.Params))
	default:
		c.webroots(func(name string) string { return known.of(a, name) })
		if len(c.blocked) > 0 {
			c.blocked = nil
			c.block("certbot's plugin %q answered by itself: say which DocumentRoot answers on port 80, with --webroot DIR", a)
			return
		}
		c.note("certbot's plugin %s answered by itself; ours will write files below %s", a, c.cert.Webroot)
	}
}

func hookOf(params map[string]string) string {
	return cmp.Or(params["manual_auth_hook"], "a person")
}

// webrootsIn finds the directory of each name: the map, or in older settings
// one list for all, of which the last serves the rest.
func webrootsIn(s Settings, known Webroots) func(name string) string {
	last := known.Given
	if paths := list(s.Params["webroot_path"]); len(paths) > 0 {
		last = paths[len(paths)-1]
	}
	return func(name string) string { return cmp.Or(s.Webroots[name], last) }
}

// webroots takes the directory of most names for the certificate, and notes
// those of the others.
func (c *carried) webroots(find func(name string) string) {
	count, of := map[string]int{}, map[string]string{}
	for _, name := range c.cert.Names {
		of[name] = find(name)
		count[of[name]]++
	}
	if count[""] > 0 {
		c.block("certbot's settings name no webroot for every name: add --webroot DIR")
		return
	}
	c.cert.Webroot = slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b string) int { return count[a] - count[b] })
	for name, dir := range of {
		if dir != c.cert.Webroot {
			c.others[name] = dir
		}
	}
}

// policy translates what is asked of the CA.
func (c *carried) policy(params map[string]string) {
	c.cert.PreferredChain = params["preferred_chain"]
	c.cert.Profile = cmp.Or(params["required_profile"], params["preferred_profile"])
	c.cert.NeedsProfile = params["required_profile"] != ""
	if truth(params["must_staple"]) {
		c.note("must_staple: CAs have ended OCSP")
	}
	if a, ok := params["autorenew"]; ok && !truth(a) {
		c.block("certbot was told not to renew it (autorenew = False)")
	}
	if params["server"] == stagingServer() {
		c.block("it comes from Let's Encrypt's staging CA, which no browser trusts")
	}
}

func stagingServer() string {
	ca, _ := acme.Preset(acme.Staging)
	return ca.Directory
}

// understood are the settings that are carried over, or mean nothing outside
// certbot. Everything else is named.
var understood = []string{
	"account", "server", "authenticator", "installer", "key_type", "elliptic_curve", "rsa_key_size", "reuse_key", "preferred_chain",
	"required_profile", "preferred_profile", "must_staple", "autorenew", "webroot_path", "http01_port", "http01_address", "pref_challs",
	"preferred_challenges", "config_dir", "work_dir", "logs_dir", "user_agent", "standalone_supported_challenges", "tls_sni_01_port",
	"tls_sni_01_address", "manual_public_ip_logging_ok", "text_mode", "issuance_timeout", "dns_route53_propagation_seconds",
}

// plugins begin the settings of certbot's own parts.
var plugins = []string{"apache_", "nginx_", "webroot_", "standalone_", "manual_", "dns_"}

// leftOver names what was not carried over.
func (c *carried) leftOver(s Settings) {
	if days := s.Top["renew_before_expiry"]; days != "" {
		c.note("renew_before_expiry = %s: the CA (ARI) or a third of the lifetime decides here", days)
	}
	hooks := map[string]string{"pre_hook": "pre", "post_hook": "post", "renew_hook": "deploy", "deploy_hook": "deploy"}
	for _, key := range slices.Sorted(maps.Keys(s.Params)) {
		value := s.Params[key]
		own, isHook := hooks[key]
		switch {
		case value == "" || slices.Contains(understood, key):
		case isHook:
			c.note("%s = %s: a shell's line; write it under [hooks] as %s = [\"/full/path\", \"argument\"]", key, value, own)
		case slices.ContainsFunc(plugins, func(p string) bool { return strings.HasPrefix(key, p) }):
		case value == "False":
		default:
			c.note("%s = %s", key, value)
		}
	}
}
