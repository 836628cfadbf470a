package setup

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// renewUnit renews from a timer. Unlike a run by hand it may write only where
// the unit says, and a webroot elsewhere shows this weeks later.
const renewUnit = "tlskeeper-renew.service"

// checkWebroots finds webroots that the renewal unit may not write.
func checkWebroots(cfg *config.Config) []Finding {
	writable, confined := readUnit(unitDirs(cfg.Paths))
	if !confined {
		return nil
	}
	var found []Finding
	for _, c := range cfg.Certificates {
		if c.Webroot == "" || isBelow(resolved(c.Webroot), writable) {
			continue
		}
		found = append(found, warn("certificate "+c.Name, "systemctl edit tlskeeper-renew, and write there: [Service], and on the next line ReadWritePaths="+unitPath(resolved(c.Webroot)),
			"issuing by hand works, but tlskeeper-renew.service may not write below the webroot %s", c.Webroot))
	}
	return found
}

// unitDirs are where systemd looks for units, the first winning
// (systemd.unit(5), unit file load path), below the root that paths have.
func unitDirs(paths config.Paths) []string {
	etc := filepath.Dir(paths.Etc)
	root := filepath.Dir(etc)
	dirs := []string{filepath.Join(etc, "systemd/system")}
	for _, dir := range []string{"run", "usr/local/lib", "usr/lib", "lib"} {
		dirs = append(dirs, filepath.Join(root, dir, "systemd/system"))
	}
	return dirs
}

// readUnit reads the unit and its drop-ins. confined is false where there is no
// such unit (renewal runs from cron), or where it does not have
// ProtectSystem=strict, without which webroots are writable.
func readUnit(dirs []string) (writable []string, confined bool) {
	dropIns := map[string]string{} // by name: the same name in an earlier directory hides it
	unit := ""
	for _, dir := range dirs {
		if path := filepath.Join(dir, renewUnit); unit == "" && isFile(path) {
			unit = path
		}
		matches, _ := filepath.Glob(filepath.Join(dir, renewUnit+".d", "*.conf")) // the pattern is well formed
		for _, path := range matches {
			name := filepath.Base(path)
			dropIns[name] = cmp.Or(dropIns[name], path)
		}
	}
	if unit == "" {
		return nil, false
	}
	files := []string{unit}
	for _, name := range slices.Sorted(maps.Keys(dropIns)) {
		files = append(files, dropIns[name])
	}
	for _, path := range files {
		text, _ := os.ReadFile(path) // what cannot be read says nothing
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch value = strings.TrimSpace(value); {
			case key == "ProtectSystem":
				confined = value == "strict"
			case key == "ReadWritePaths" && value == "":
				writable = nil // an empty one takes back those before it (systemd.exec(5))
			case key == "ReadWritePaths":
				writable = append(writable, unitPaths(value)...)
			}
		}
	}
	return writable, confined
}

// unitPaths reads a list of paths, each with - (may be missing) or + before it,
// in quotes where it holds blanks.
func unitPaths(list string) []string {
	var paths []string
	inQuotes := false
	for _, word := range strings.FieldsFunc(list, func(r rune) bool {
		if r == '"' {
			inQuotes = !inQuotes
		}
		return !inQuotes && r == ' '
	}) {
		path := strings.TrimLeft(strings.Trim(word, `"`), "-+")
		paths = append(paths, strings.ReplaceAll(path, "%%", "%"))
	}
	return paths
}

// unitPath writes path for a unit file.
func unitPath(path string) string {
	path = strings.ReplaceAll(path, "%", "%%")
	if strings.Contains(path, " ") {
		return `"` + path + `"`
	}
	return path
}

// resolved follows links: writing does so, too.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func isBelow(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		rel, err := filepath.Rel(resolved(dir), path)
		return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
	})
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
