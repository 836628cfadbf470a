package apacheconf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/proof"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/filechange"
	"tlskeeper/internal/safepath"
)

// journal is written before the first byte of a change and renamed into the
// history after the last proof. One that is found at the start of a run is a
// change that was cut off.
type journal struct {
	Version  int                 `json:"version"`
	Started  time.Time           `json:"started"`
	Command  string              `json:"command,omitempty"`
	Running  bool                `json:"running"`            // Apache lived when it began
	Activate bool                `json:"activate,omitempty"` // only certificates: rollback never points back to these
	Repair   bool                `json:"repair,omitempty"`   // only put back what was installed before
	Files    []filechange.Change `json:"files"`
}

// The journal holds whole configuration files, which may hold passwords: 0600.
func (j journal) write(cfg Config) error {
	text, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	if err := durable.WriteFile(journalPath(cfg), text, 0o600); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return nil
}

func readJournal(path string) (*journal, error) {
	text, err := readRecord(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	var j journal
	if err := json.Unmarshal(text, &j); err != nil || j.Version != 1 {
		return nil, fmt.Errorf("reading %s: not a journal of this version (%v)", path, err)
	}
	return &j, nil
}

// readRecord reads a record of ours, of any length: it holds whole files of the
// admin. What it says is written as root.
func readRecord(path string) ([]byte, error) {
	f, err := safepath.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// keepHistory is how many changes can be rolled back, one after the other.
const keepHistory = 20

// commit makes the journal the newest entry of the history. Activations are
// not kept: nothing points back to a replaced certificate. Nor are repairs:
// nothing points back to drift.
func commit(cfg Config, j journal) error {
	if j.Activate || j.Repair {
		return durable.Remove(journalPath(cfg))
	}
	if err := durable.MkdirAll(historyDir(cfg), 0o700); err != nil {
		return err
	}
	numbers := history(cfg)
	next := 1
	if len(numbers) > 0 {
		next = numbers[len(numbers)-1] + 1
	}
	for len(numbers) >= keepHistory {
		if err := durable.Remove(entry(cfg, numbers[0])); err != nil {
			return err
		}
		numbers = numbers[1:]
	}
	return durable.Rename(journalPath(cfg), entry(cfg, next))
}

func entry(c Config, n int) string {
	return filepath.Join(historyDir(c), fmt.Sprintf("%06d.json", n))
}

// history lists the entries, oldest first.
func history(cfg Config) []int {
	entries, _ := os.ReadDir(historyDir(cfg))
	var out []int
	for _, e := range entries {
		if n, err := strconv.Atoi(strings.TrimSuffix(e.Name(), ".json")); err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// restore puts every file back, the last one first. It goes on past an error,
// because each file that is back is worth it. Writing is atomic, so what is
// neither the old nor the new state is somebody else's work, and stays.
func (j journal) restore(log *slog.Logger) error {
	var failed []error
	for _, f := range slices.Backward(j.Files) {
		now, err := filechange.Read(f.Path)
		if err == nil && now.Same(f.Old) {
			continue
		}
		if err != nil || !now.Same(f.New) {
			log.Warn("left as it is: changed by somebody else meanwhile", "file", f.Path, "err", err)
			continue
		}
		if err := filechange.Put(f.Path, f.Old); err != nil {
			failed = append(failed, fmt.Errorf("restoring %s: %w", f.Path, err))
		}
	}
	return errors.Join(failed...)
}

// heal undoes a change that was cut off, by a kill or a power failure. It runs
// under the lock. Apache is reloaded, or started where it died of the change.
func heal(ctx context.Context, cfg Config) (bool, error) {
	proof.Sweep(cfg.StateDir)
	j, err := readJournal(journalPath(cfg))
	if j == nil || err != nil {
		return false, err
	}
	cfg.Logger().Warn("undoing a change that was cut off", "started", j.Started)
	if err := j.restore(cfg.Logger()); err != nil {
		return false, fmt.Errorf("undoing a change that was cut off: %w", err)
	}
	if j.Running {
		if err := revive(ctx, cfg); err != nil {
			return false, fmt.Errorf("undoing a change that was cut off: %w", err)
		}
	}
	return true, durable.Remove(journalPath(cfg))
}

// revive loads what is on disk now, into a running Apache or a new one.
func revive(ctx context.Context, cfg Config) error {
	s, err := inspect(ctx, cfg)
	if err != nil {
		return conf.Unhinted(err)
	}
	return s.bringBack(ctx)
}

func pidPath(cfg Config) string { return filepath.Join(cfg.StateDir, "apache.pid") }

// pidOf is the Apache into which the last change was loaded, 0 where unknown.
func pidOf(cfg Config) int {
	text, err := os.ReadFile(pidPath(cfg))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}
