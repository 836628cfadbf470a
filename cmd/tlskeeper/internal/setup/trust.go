package setup

import (
	"errors"
	"fmt"
	"os"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/child"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/regular"
	"tlskeeper/internal/safepath"
)

// CheckTrust finds what the configuration makes root execute or believe and
// others may change. It asks what is asked right before each is used,
// internal/safepath. That something is not there yet is no finding.
func CheckTrust(cfg *config.Config) []Finding {
	var found []Finding
	programs, files := programs(cfg), files(cfg)
	for _, subject := range sortedKeys(programs) {
		_, err := safepath.Command(programs[subject], child.MinimalEnv())
		found = append(found, untrusted(subject, err)...)
	}
	for _, subject := range sortedKeys(files) {
		found = append(found, untrusted(subject, safepath.Check(files[subject]))...)
	}
	return found
}

// checkNamed is CheckTrust, and whether all of it is there.
func checkNamed(cfg *config.Config) []Finding {
	found := CheckTrust(cfg)
	programs, files := programs(cfg), files(cfg)
	for _, subject := range sortedKeys(programs) {
		found = append(found, checkProgram(subject, programs[subject][0])...)
	}
	for _, subject := range sortedKeys(files) {
		if _, err := os.Stat(files[subject]); err != nil {
			found = append(found, fail(subject, "", "%s: %s", files[subject], regular.Cause(err)))
		}
	}
	return found
}

// programs are the commands of the configuration, by what a finding calls them.
func programs(cfg *config.Config) map[string][]string {
	all := map[string][]string{
		"hook pre": cfg.Hooks.Pre, "hook deploy": cfg.Hooks.Deploy, "hook post": cfg.Hooks.Post,
		"start_command": cfg.Apache.StartCommand, "binary": {cfg.Apache.Binary},
	}
	for _, c := range cfg.Certificates {
		all["dns_exec of "+c.Name] = []string{c.DNSExec}
	}
	for i, c := range cfg.Challenges {
		all[fmt.Sprintf("dns_exec of challenge %d", i+1)] = []string{c.DNSExec}
	}
	for subject, argv := range all {
		if len(argv) == 0 || argv[0] == "" {
			delete(all, subject)
		}
	}
	return all
}

// files are those of the configuration, by what a finding calls them.
func files(cfg *config.Config) map[string]string {
	all := map[string]string{"ca_file": cfg.ACME.CAFile, "eab_hmac_file": cfg.ACME.EABHMACFile}
	for i, f := range cfg.Fallbacks {
		all[fmt.Sprintf("ca_file of fallback %d", i+1)] = f.CAFile
		all[fmt.Sprintf("eab_hmac_file of fallback %d", i+1)] = f.EABHMACFile
	}
	for _, c := range cfg.Certificates {
		all["csr of "+c.Name], all["csr_key of "+c.Name] = c.CSR, c.CSRKey
	}
	for subject, path := range all {
		if path == "" {
			delete(all, subject)
		}
	}
	return all
}

func checkProgram(subject, path string) []Finding {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return []Finding{fail(subject, "", "%s: %s", path, regular.Cause(err))}
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return []Finding{fail(subject, "chmod +x "+path, "%s is not a program", path)}
	}
	return []Finding{ok(subject, "%s", path)}
}

// untrusted is the finding that err is, where it is one.
func untrusted(subject string, err error) []Finding {
	if open, ok := errors.AsType[*safepath.Error](err); ok {
		return []Finding{fail(subject, hint.Of(err), "%s", open)}
	}
	return nil
}
