package apacheconf

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/filechange"
	"tlskeeper/internal/flock"
	"tlskeeper/templates"
)

// CutOff tells whether a change was cut off, by a kill or a power failure, and
// not undone yet; false also where this user may not look.
func CutOff(cfg Config) bool { return httpd.Exists(journalPath(cfg)) }

// Heal undoes a change that was cut off, and starts the Apache that died of it
// through its service manager. It tells whether there was one. Where there is
// none it costs nothing: whoever is about to need Apache calls it first.
//
// It returns *flock.HeldError where the change is still being made.
func Heal(ctx context.Context, cfg Config) (bool, error) {
	if !CutOff(cfg) {
		return false, nil
	}
	lock, err := flock.Acquire(ctx, lockPath(cfg), lockWait)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	return heal(ctx, cfg)
}

// repairSites points our own includes away from generations that are gone from
// the disk: httpd reads no configuration that names them, and so nothing could
// be planned. Where that does not make it readable all is put back.
//
// What is written lacks the head of our includes: it is no loaded state, and
// the apply that follows replaces it with all its proofs.
func repairSites(ctx context.Context, cfg Config, generations map[string]string) (repaired bool, err error) {
	lock, err := flock.Acquire(ctx, lockPath(cfg), lockWait)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	var done []filechange.Change
	for _, name := range slices.Sorted(maps.Keys(generations)) {
		change, wanted, err := siteRepair(cfg, name, generations[name])
		if err != nil {
			return false, errors.Join(err, putBack(done))
		}
		if !wanted {
			continue
		}
		done = append(done, change)
		if err := filechange.Put(change.Path, change.New); err != nil {
			return false, errors.Join(err, putBack(done))
		}
	}
	if len(done) == 0 {
		return false, nil
	}
	if _, err := inspect(ctx, cfg); err != nil {
		return false, putBack(done)
	}
	cfg.Logger().Warn("our includes named certificates that are gone", "files", len(done))
	return true, nil
}

func putBack(done []filechange.Change) error {
	var failed []error
	for _, f := range done {
		failed = append(failed, filechange.Put(f.Path, f.Old))
	}
	return errors.Join(failed...)
}

// siteRepair is the change of one include, wanted where the pair that it names
// is gone and the new one is there.
func siteRepair(cfg Config, name, dir string) (change filechange.Change, wanted bool, err error) {
	path := sitePath(cfg, name)
	old, err := filechange.Read(path)
	if err != nil || old == nil || old.Target != "" {
		return filechange.Change{}, false, err
	}
	named := generationIn(old.Data)
	if named == "" || pairIn(named) || !pairIn(dir) {
		return filechange.Change{}, false, nil
	}
	text, err := templates.Site{Name: name, CertFile: filepath.Join(dir, "fullchain.pem"), KeyFile: filepath.Join(dir, "key.pem")}.Render()
	if err != nil {
		return filechange.Change{}, false, err
	}
	change, err = filechange.PlanFile(path, withoutHead(text), 0o644)
	return change, err == nil, err
}

func pairIn(dir string) bool {
	return httpd.Exists(filepath.Join(dir, "fullchain.pem")) && httpd.Exists(filepath.Join(dir, "key.pem"))
}

// withoutHead leaves the comments out.
func withoutHead(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("#")) {
			out = append(out, line...)
		}
	}
	return out
}

// makeState makes our directories: the one of the state closed, the one above
// it, which is not ours alone, open.
func makeState(cfg Config) error {
	return durable.MkdirBase(cfg.StateDir, 0o700)
}
