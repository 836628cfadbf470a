package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/logship/ingest"
)

// More files than a process may have open (here at most 256) are handed over.
func TestMoreFilesThanMayBeOpen(t *testing.T) {
	h := newHost(t)
	logs := t.TempDir()
	const many = 250
	for i := range many {
		text := "not in the format\n" // which is refused, and quickly
		if i%100 == 98 {
			text = strings.Replace(goodLine, "curl", fmt.Sprint("curl", i), 1)
		}
		if err := os.WriteFile(filepath.Join(logs, fmt.Sprintf("tls.log.%03d", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []string{"", "--json"} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -Sn 200; ulimit -Hn 256; exec "$0" --root "$1" $3 import "$2"/*`, program(t), h.root, logs, format)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "tls.log.240") {
			t.Fatalf("%v: %s", err, said.String())
		}
		if format == "" {
			if n := strings.Count(string(out), "1 lines, 1 new"); n != many/100 {
				t.Errorf("%d files were read", n)
			}
			continue
		}
		var results []ingest.Result
		if err := json.Unmarshal(out, &results); err != nil || len(results) < many/100 {
			t.Errorf("%d results, %v", len(results), err)
		}
	}
}

// program is a name under which a shell can start this program.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tlskeeper")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}
