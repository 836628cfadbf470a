package status

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The agent's file lies in a directory of the agent's user, and root reads it.
func TestAPlantedStateFileIsNotFollowedNorWaitedFor(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"link": func(path string) error { return os.Symlink(path+".other", path) },
		"FIFO": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := AgentPath(dir)
			if err := os.WriteFile(path+".other", []byte(`{"version":1,"destination":"secret"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := plant(path); err != nil {
				t.Fatal(err)
			}
			_, err := Look(filepath.Join(dir, "acme"), dir, nil, time.Now())
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
}
