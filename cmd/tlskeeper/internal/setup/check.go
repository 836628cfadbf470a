package setup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/regular"
	"tlskeeper/internal/safepath"
)

// How much a finding matters.
const (
	severityOK   = "ok"
	severityWarn = "warn"
	severityFail = "fail"
)

// Finding is the result of looking at one thing, also when it is well.
type Finding struct {
	Severity string // ok, warn or fail
	Subject  string
	Message  string
	Hint     string // what to type next
}

func ok(subject, format string, args ...any) Finding {
	return Finding{severityOK, subject, fmt.Sprintf(format, args...), ""}
}

func warn(subject, hint, format string, args ...any) Finding {
	return Finding{severityWarn, subject, fmt.Sprintf(format, args...), hint}
}

func fail(subject, hint, format string, args ...any) Finding {
	return Finding{severityFail, subject, fmt.Sprintf(format, args...), hint}
}

// CheckHost looks at what needs no other package: directories, keys, programs,
// the log, free space. It changes nothing.
func CheckHost(cfg *config.Config) []Finding {
	found := checkDirs(cfg.Paths)
	found = append(found, checkKeys(cfg)...)
	found = append(found, checkNamed(cfg)...)
	found = append(found, checkWebroots(cfg)...)
	found = append(found, checkLogs(cfg.Agent.Logs)...)
	return append(found, checkSpace(cfg)...)
}

// CheckConfig finds what a configuration that is valid still leaves open.
func CheckConfig(cfg *config.Config) []Finding {
	if cfg.File == "" {
		return []Finding{warn("configuration", "tlskeeper setup", "there is none; the defaults are in force")}
	}
	found := []Finding{ok("configuration", "%s", cfg.File)}
	if len(cfg.Certificates) > 0 && !cfg.ACME.AgreeTOS {
		found = append(found, fail("configuration", "agree_tos = true below [acme]", "the CA's terms are not accepted: nothing can be issued"))
	}
	for _, c := range cfg.Certificates {
		if c.Challenge == "tls-alpn-01" && c.Listen == "" {
			found = append(found, fail("certificate "+c.Name, `listen = ":443", where Apache does not`, "nothing can answer the CA's tls-alpn-01 challenge"))
		}
		if c.Webroot != "" && !isDir(c.Webroot) {
			found = append(found, fail("certificate "+c.Name, "", "the webroot %s is no directory", c.Webroot))
		}
	}
	return found
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// checkDirs wants each directory no wider open than Dir says, and owned by
// root (or by whoever runs a trial under a root of his own).
func checkDirs(paths config.Paths) []Finding {
	var found []Finding
	var missing []string
	for _, d := range directories(paths) {
		if _, err := os.Lstat(d.Path); errors.Is(err, fs.ErrNotExist) && !d.optional {
			missing = append(missing, d.Path)
			continue
		}
		found = append(found, d.check()...)
	}
	if len(missing) > 0 {
		found = append(found, warn("directories", "tlskeeper setup", "missing: %s", strings.Join(missing, ", ")))
	}
	if len(found) == 0 {
		found = append(found, ok("directories", "present, modes and owners are right"))
	}
	return found
}

func (d Dir) check() []Finding {
	info, err := os.Lstat(d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return []Finding{warn("directories", "run it as root", "cannot look at %s: %s", d.Path, regular.Cause(err))}
	case !info.IsDir():
		return []Finding{fail("directories", "", "%s is no directory", d.Path)}
	}
	if wide := info.Mode().Perm() &^ d.Mode; wide != 0 {
		return []Finding{fail("directories", fmt.Sprintf("chmod %04o %s", d.Mode, d.Path),
			"%s is open to others: mode %04o", d.Path, info.Mode().Perm())}
	}
	if d.public && info.Mode().Perm()&0o005 != 0o005 {
		return []Finding{warn("directories", fmt.Sprintf("chmod %04o %s", d.Mode, d.Path),
			"%s is closed: only root can ask for the status, mode %04o", d.Path, info.Mode().Perm())}
	}
	if d.agents {
		return nil
	}
	return untrusted("directories", safepath.Check(d.Path))
}

func checkLogs(logs []string) []Finding {
	var found []Finding
	for _, path := range logs {
		f, err := os.Open(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, warn("log", "tlskeeper apache apply --log-only", "%s is not there yet", path))
		case err != nil:
			found = append(found, fail("log", "tlskeeper must be in the group that may read "+filepath.Dir(path), "cannot read %s: %s", path, regular.Cause(err)))
		default:
			f.Close()
			found = append(found, ok("log", "%s", path))
		}
	}
	return found
}

// Free space: below the first nothing can be promised, below the second an
// administrator wants to know. A day of a busy host's log is some 100 MB.
const (
	spaceFail = 64 << 20
	spaceWarn = 512 << 20
)

func checkSpace(cfg *config.Config) []Finding {
	dir := existing(cmp.Or(filepath.Dir(cfg.Agent.Database), cfg.Paths.Log))
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return []Finding{warn("disk", "", "cannot look at %s: %v", dir, err)}
	}
	free := int64(st.Bavail) * st.Bsize
	message := fmt.Sprintf("%d MiB free for %s", free>>20, dir)
	switch {
	case free < spaceFail:
		return []Finding{fail("disk", "df "+dir, "%s", message)}
	case free < spaceWarn:
		return []Finding{warn("disk", "df "+dir, "%s", message)}
	}
	return []Finding{ok("disk", "%s", message)}
}

// existing is dir or the nearest directory above it that is there.
func existing(dir string) string {
	for dir != "/" && !isDir(dir) {
		dir = filepath.Dir(dir)
	}
	return dir
}
