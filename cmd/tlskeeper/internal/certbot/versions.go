package certbot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tlskeeper/internal/safepath"
)

// readVersions loads archive/NAME: fullchain1.pem, privkey1.pem and so on.
func readVersions(dir string) ([]Version, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading certbot's archive: %w", err)
	}
	var found []Version
	for _, e := range entries {
		n, ok := versionOf(e.Name())
		if !ok {
			continue
		}
		v := Version{Number: n, KeyFile: filepath.Join(dir, fmt.Sprintf("privkey%d.pem", n))}
		if v.Chain, err = safepath.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, fmt.Errorf("reading certbot's archive: %w", err)
		}
		if v.Key, err = safepath.ReadFile(v.KeyFile); err != nil {
			return nil, fmt.Errorf("reading certbot's archive: %w", err)
		}
		found = append(found, v)
	}
	slices.SortFunc(found, func(a, b Version) int { return a.Number - b.Number })
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", dir)
	}
	return found, nil
}

func versionOf(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "fullchain")
	digits, pem := strings.CutSuffix(digits, ".pem")
	n, err := strconv.Atoi(digits)
	return n, ok && pem && err == nil && n > 0
}
