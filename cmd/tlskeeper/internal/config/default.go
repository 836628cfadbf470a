package config

import (
	"os"
	"path/filepath"
	"time"
)

// Default is the configuration of a host without a file, on these paths.
func Default(p Paths) *Config {
	tlsLog := defaultTLSLog()
	return &Config{
		Paths: p,
		ACME: ACME{
			CA:            "letsencrypt",
			KeyType:       "secp384r1",
			Challenge:     "http-01",
			FailoverAfter: 5,
			Keep:          5,
		},
		Apache: Apache{Profile: "intermediate", TLSLog: tlsLog, HSTS: "off"},
		Agent: Agent{
			Logs:          []string{tlsLog},
			Database:      filepath.Join(p.Log, "tls.db"),
			RetentionDays: 90,
			MaxSize:       8 << 30,
			Client:        "full",
			Poll:          250 * time.Millisecond,
			Quiet:         time.Hour,
		},
		CloudWatch: CloudWatch{Stream: hostName(), Client: "full", Gzip: true},
		Hooks:      Hooks{Timeout: time.Minute},
		origins:    map[string]string{},
	}
}

// defaultTLSLog is beside the logs that Apache writes here already: Debian's
// place unless only that of the RHEL family exists.
func defaultTLSLog() string {
	const debian, rhel = "/var/log/apache2", "/var/log/httpd"
	if !isDir(debian) && isDir(rhel) {
		return rhel + "/tls.log"
	}
	return debian + "/tls.log"
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}
