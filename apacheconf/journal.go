package apacheconf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlskeeper/apacheconf/plan"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/filechange"
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
	text, err := plan.ReadRecord(path)
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
