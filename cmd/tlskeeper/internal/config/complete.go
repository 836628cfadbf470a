package config

import (
	"fmt"
	"slices"
	"strings"

	"tlskeeper/internal/dnsname"
)

// Origins of values that stand in no file.
const (
	fromDefault = "default"
	fromACME    = "[acme]"
	fromApache  = "apache.tls_log"
	fromAgent   = "[agent]"
)

// complete fills in what follows from other values: for each certificate its
// name and the values of [acme]; the log; what is shipped of addresses.
// Webroot and listener go together, because they are two ways to answer the
// same challenge: a certificate that names one inherits neither.
func (c *Config) complete(at lines) {
	for i := range c.Certificates {
		cert, table := &c.Certificates[i], fmt.Sprintf("certificate[%d]", i)
		c.inherit(table, "key_type", &cert.KeyType, c.ACME.KeyType)
		c.inherit(table, "challenge", &cert.Challenge, c.ACME.Challenge)
		c.inherit(table, "profile", &cert.Profile, c.ACME.Profile)
		c.inherit(table, "preferred_chain", &cert.PreferredChain, c.ACME.PreferredChain)
		if cert.Webroot == "" && cert.Listen == "" {
			c.inherit(table, "webroot", &cert.Webroot, c.ACME.Webroot)
			c.inherit(table, "listen", &cert.Listen, c.ACME.Listen)
		}
		c.inheritFlag(table, "reuse_key", &cert.ReuseKey, c.ACME.ReuseKey)
		c.inheritFlag(table, "profile_required", &cert.NeedsProfile, c.ACME.NeedsProfile)
		if cert.Name == "" && len(cert.Names) > 0 {
			cert.Name = nameOf(cert.Names[0])
			c.origins[table+".name"] = "first of names"
		}
	}
	for i := range c.Challenges {
		if table := fmt.Sprintf("challenge[%d]", i); !c.isSet(table + ".challenge") {
			c.Challenges[i].Challenge = "http-01"
		}
	}
	if !c.isSet("agent.logs") && c.isSet("apache.tls_log") {
		c.Agent.Logs = []string{c.Apache.TLSLog}
		c.origins["agent.logs"] = fromApache
	}
	if !c.isSet("cloudwatch.client") && c.isSet("agent.client") {
		c.CloudWatch.Client = c.Agent.Client
		c.origins["cloudwatch.client"] = fromAgent
	}
}

// nameOf makes the name of a certificate from its first DNS name, in the form
// that is fit for a directory. What is not a DNS name is left to the validator.
func nameOf(dnsName string) string {
	folded, err := dnsname.Fold(dnsName)
	if err != nil {
		folded = dnsName
	}
	return strings.TrimPrefix(folded, "*.")
}

func (c *Config) inherit(table, key string, to *string, from string) {
	if c.isSet(table + "." + key) {
		return
	}
	*to = from
	c.origins[table+"."+key] = fromACME
}

func (c *Config) inheritFlag(table, key string, to *bool, from bool) {
	if !c.isSet(table + "." + key) {
		*to = from
		c.origins[table+"."+key] = fromACME
	}
}

func (c *Config) isSet(key string) bool { return c.origins[key] != "" }

// Certificate finds a configured certificate by its name.
func (c *Config) Certificate(name string) (Certificate, bool) {
	i := slices.IndexFunc(c.Certificates, func(cert Certificate) bool { return cert.Name == name })
	if i < 0 {
		return Certificate{}, false
	}
	return c.Certificates[i], true
}

// environment lists the variables that are read: the few that differ from host
// to host while the file is the same everywhere. None holds a secret, because
// an environment is inherited and shown by ps.
var environment = []struct {
	Name, Key string
	set       func(*Config, string)
}{
	{"TLSKEEPER_DIRECTORY", "acme.directory", func(c *Config, v string) { c.ACME.Directory = v }},
	{"TLSKEEPER_CA_FILE", "acme.ca_file", func(c *Config, v string) { c.ACME.CAFile = v }},
	{"TLSKEEPER_DATABASE", "agent.database", func(c *Config, v string) { c.Agent.Database = v }},
}

// Variables lists the environment variables that replace values of the file.
func Variables() []string {
	var names []string
	for _, e := range environment {
		names = append(names, e.Name)
	}
	return names
}

// applyEnvironment lays the variables over the file. The pseudo file of its
// errors is the variable.
func (c *Config) applyEnvironment(env func(string) string) []*Error {
	var problems []*Error
	for _, e := range environment {
		value := env(e.Name)
		if value == "" {
			continue
		}
		e.set(c, value)
		c.origins[e.Key] = "$" + e.Name
		if msg := checkPlace(e.Key, value); msg != "" {
			problems = append(problems, &Error{File: "$" + e.Name, Msg: msg})
		}
	}
	return problems
}
