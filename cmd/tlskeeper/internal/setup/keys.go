package setup

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/regular"
)

// maxKeyFile bounds what is read to recognize a key: the largest RSA key in
// PEM is about 13 kB.
const maxKeyFile = 64 << 10

// checkKeys finds private keys that anyone but their owner may read, by what
// is in the files and not by their names.
func checkKeys(cfg *config.Config) []Finding {
	var found []Finding
	keys := 0
	err := filepath.WalkDir(cfg.Paths.ACME, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		finding, isKey := checkKey(path)
		if isKey {
			keys++
		}
		found = append(found, finding...)
		return nil
	})
	for _, path := range secrets(cfg) {
		if _, err := os.Stat(path); err == nil {
			found = append(found, checkSecret(path)...)
		}
	}
	switch {
	case os.IsNotExist(err):
		return found
	case err != nil:
		return append(found, warn("keys", "run it as root", "cannot look at them: %v", err))
	case len(found) == 0 && keys > 0:
		return []Finding{ok("keys", "%d, readable by their owner alone", keys)}
	}
	return found
}

// secrets are the files of the configuration that only their owner may read.
func secrets(cfg *config.Config) []string {
	paths := []string{cfg.ACME.EABHMACFile}
	for _, f := range cfg.Fallbacks {
		paths = append(paths, f.EABHMACFile)
	}
	return paths
}

func checkKey(path string) (found []Finding, isKey bool) {
	f, err := os.Open(path)
	if err != nil {
		return []Finding{warn("keys", "run it as root", "cannot look at %s: %s", path, regular.Cause(err))}, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil || !bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return nil, false
	}
	return checkSecret(path), true
}

func checkSecret(path string) []Finding {
	info, err := os.Stat(path)
	if err != nil {
		return []Finding{fail("keys", "", "%s: %s", path, regular.Cause(err))}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return []Finding{fail("keys", "chmod 600 "+path+"; if others had access to this host, revoke and issue anew",
			"%s is open to others: mode %04o", path, info.Mode().Perm())}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
