// Package certbot takes over what certbot keeps on a host: its account, its
// certificates, and how they are renewed. It only reads certbot's directory;
// what cannot be carried over is named, never dropped in silence.
//
// It may import internal/config, acme, internal/{leaf,safepath} and the mechanisms.
package certbot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/safepath"
)

// Host is what certbot keeps in its directory.
type Host struct {
	Dir      string
	Lineages []Lineage
	Hooks    []string // files in renewal-hooks, which certbot runs for every certificate
	Defaults []string // keys of cli.ini
}

// Lineage is one certificate with its history, in certbot's words.
type Lineage struct {
	Name     string
	Settings Settings  // of renewal/NAME.conf
	Versions []Version // oldest first
	Account  *Account  // nil where it cannot be read
	Faults   []string  // what of it cannot be read
}

// Version is one issued certificate: certbot's archive/NAME/fullchainN.pem.
type Version struct {
	Number  int
	Key     []byte // PEM
	Chain   []byte // PEM, leaf first
	KeyFile string
}

// Read looks at all of dir. What cannot be read of one certificate is noted
// with it, and does not hide the others.
func Read(dir string) (*Host, error) {
	files, err := filepath.Glob(filepath.Join(dir, "renewal", "*.conf"))
	if err != nil {
		return nil, fmt.Errorf("looking for certbot's certificates: %v", err)
	}
	if len(files) == 0 {
		err := fmt.Errorf("%s holds no certificate of certbot (no renewal/*.conf)", dir)
		if _, statErr := os.ReadDir(filepath.Join(dir, "renewal")); errors.Is(statErr, fs.ErrPermission) {
			return nil, hint.Wrap(statErr, "certbot's keys belong to root: use sudo")
		}
		return nil, hint.Wrap(err, "--dir DIR names another directory than /etc/letsencrypt")
	}
	h := &Host{Dir: dir}
	for _, file := range files {
		lineage, err := readLineage(dir, file)
		if err != nil {
			return nil, err
		}
		h.Lineages = append(h.Lineages, lineage)
	}
	h.Hooks = programs(filepath.Join(dir, "renewal-hooks"))
	h.Defaults = defaults(filepath.Join(dir, "cli.ini"))
	return h, nil
}

func readLineage(dir, file string) (Lineage, error) {
	l := Lineage{Name: strings.TrimSuffix(filepath.Base(file), ".conf")}
	data, err := safepath.ReadFile(file)
	if err != nil {
		return l, fmt.Errorf("reading certbot's settings: %w", err)
	}
	l.Settings = parseSettings(string(data))
	if l.Versions, err = readVersions(filepath.Join(dir, "archive", l.Name)); err != nil {
		l.Faults = append(l.Faults, err.Error())
	}
	id, server := l.Settings.Params["account"], l.Settings.Params["server"]
	if l.Account, err = readAccount(dir, server, id); err != nil {
		l.Faults = append(l.Faults, err.Error())
	}
	return l, nil
}

// programs lists what certbot would run from its hook directories.
func programs(dir string) []string {
	var found []string
	for _, when := range []string{"pre", "deploy", "post"} {
		entries, _ := os.ReadDir(filepath.Join(dir, when))
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() && !strings.HasSuffix(e.Name(), "~") {
				found = append(found, filepath.Join(dir, when, e.Name()))
			}
		}
	}
	return found
}

// packaged are the keys of cli.ini as distributions ship it; they say nothing
// about a renewal.
var packaged = []string{"max-log-backups", "preconfigured-renewal"}

func defaults(file string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var keys []string
	for key := range parseSettings(string(data)).Top {
		if !slices.Contains(packaged, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
