// Package config reads the one file of tlskeeper, /etc/tlskeeper/config.toml:
// strictly (an unknown key is an error with its line), onto defaults, and with
// the memory of where each value came from. Only this package and the command
// line know the file; every other package takes plain Go values.
//
// It imports internal/{hint,safepath,dnsname} and templates of this module.
package config

import "time"

// Config is the effective configuration: defaults, under the file, under the
// environment. Flags belong to the single command and are laid over it there.
// Each key is documented where a sysadmin reads it, in config.example.toml.
type Config struct {
	// File is the file that was read, "" when there was none.
	File string `toml:"-"`
	// Paths are the directories in force; the file does not set them.
	Paths Paths `toml:"-"`

	ACME         ACME          `toml:"acme"`
	Fallbacks    []Fallback    `toml:"fallback"`
	Certificates []Certificate `toml:"certificate"`
	Challenges   []Challenge   `toml:"challenge"`
	Apache       Apache        `toml:"apache"`
	Agent        Agent         `toml:"agent"`
	CloudWatch   CloudWatch    `toml:"cloudwatch"`
	Hooks        Hooks         `toml:"hooks"`

	origins map[string]string // dotted key -> where its value came from
}

// ACME is the section [acme]: the CA, the account, and what certificates have
// in common unless they say otherwise.
type ACME struct {
	AgreeTOS       bool   `toml:"agree_tos"`
	Email          string `toml:"email"`
	CA             string `toml:"ca"`
	Directory      string `toml:"directory"`
	CAFile         string `toml:"ca_file"`
	KeyType        string `toml:"key_type"`
	ReuseKey       bool   `toml:"reuse_key"`
	Challenge      string `toml:"challenge"`
	Webroot        string `toml:"webroot"`
	Listen         string `toml:"listen"`
	Profile        string `toml:"profile"`
	NeedsProfile   bool   `toml:"profile_required"`
	PreferredChain string `toml:"preferred_chain"`
	EABKID         string `toml:"eab_kid"`
	EABHMACFile    string `toml:"eab_hmac_file"`
	FailoverAfter  int    `toml:"failover_after"`
	Keep           int    `toml:"keep"`
}

// Fallback is one [[fallback]]: a CA for when the one of [acme] fails.
type Fallback struct {
	CA          string `toml:"ca"`
	Directory   string `toml:"directory"`
	CAFile      string `toml:"ca_file"`
	EABKID      string `toml:"eab_kid"`
	EABHMACFile string `toml:"eab_hmac_file"`
}

// Challenge is one [[challenge]]: how particular names are proven, whichever
// certificate they are in.
type Challenge struct {
	Names       []string `toml:"names"`
	Challenge   string   `toml:"challenge"`
	Webroot     string   `toml:"webroot"`
	Listen      string   `toml:"listen"`
	DNSProvider string   `toml:"dns_provider"`
	DNSExec     string   `toml:"dns_exec"`
}

// Certificate is one [[certificate]]. After Load it is complete: what the
// section left out stands here as [acme] gives it.
type Certificate struct {
	Name           string   `toml:"name"`
	Names          []string `toml:"names"`
	KeyType        string   `toml:"key_type"`
	ReuseKey       bool     `toml:"reuse_key"`
	Challenge      string   `toml:"challenge"`
	Webroot        string   `toml:"webroot"`
	Listen         string   `toml:"listen"`
	CSR            string   `toml:"csr"`
	CSRKey         string   `toml:"csr_key"`
	Profile        string   `toml:"profile"`
	NeedsProfile   bool     `toml:"profile_required"`
	PreferredChain string   `toml:"preferred_chain"`
	DNSProvider    string   `toml:"dns_provider"`
	DNSExec        string   `toml:"dns_exec"`
}

// Apache is the section [apache].
type Apache struct {
	Binary       string   `toml:"binary"`
	ServerRoot   string   `toml:"server_root"`
	ConfigFile   string   `toml:"config_file"`
	Profile      string   `toml:"profile"`
	TLSLog       string   `toml:"tls_log"`
	HSTS         string   `toml:"hsts"`
	Redirect     []string `toml:"redirect"`
	StartCommand []string `toml:"start_command"`
}

// Agent is the section [agent]: what is read and kept on this host.
type Agent struct {
	Logs          []string      `toml:"logs"`
	Database      string        `toml:"database"`
	RetentionDays int           `toml:"retention_days"`
	MaxSize       Size          `toml:"max_size"`
	Client        string        `toml:"client"`
	Poll          time.Duration `toml:"poll"`
	Quiet         time.Duration `toml:"quiet"`
}

// CloudWatch is the section [cloudwatch]: where lines go. An empty Group means
// nothing leaves the host.
type CloudWatch struct {
	Group         string `toml:"group"`
	Stream        string `toml:"stream"`
	Region        string `toml:"region"`
	Endpoint      string `toml:"endpoint"`
	RetentionDays int    `toml:"retention_days"`
	Client        string `toml:"client"`
	Gzip          bool   `toml:"gzip"`
	Profile       string `toml:"profile"`
}

// Hooks is the section [hooks]: programs as lists of arguments, run without a
// shell.
type Hooks struct {
	Pre     []string      `toml:"pre"`
	Deploy  []string      `toml:"deploy"`
	Post    []string      `toml:"post"`
	Timeout time.Duration `toml:"timeout"`
}
