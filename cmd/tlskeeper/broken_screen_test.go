package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/query"
)

func TestAFullDiskIsNamedAlsoWhenAnotherUserAnswers(t *testing.T) {
	h := newHost(t)
	if _, stderr, code := h.run(t, "import", h.goodLog()); code != 0 {
		t.Fatal(stderr)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	// more than a pipe holds
	const lines = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 100000) SELECT x FROM c"
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "--root", h.root, "query", lines, "--format", "csv")
	cmd.Args[0], cmd.Stdout = "tlskeeper", full
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Run(); err == nil || !strings.Contains(said.String(), "no space left on device") || strings.Contains(said.String(), "broken pipe") {
		t.Errorf("%v: %s", err, said.String())
	}
}

// A directory of root's above keeps the owner of the database out.
func TestADirectoryOfRootsThatItsOwnerCannotReach(t *testing.T) {
	h := newHost(t)
	above := filepath.Dir(h.log)
	if err := os.Chmod(above, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"query", "ciphers"}, {"import", h.goodLog()}, {"agent", "--once"}} {
		out, stderr, code := h.run(t, args...)
		if said := out + stderr; code == 0 || strings.Contains(said, "sudo") || !strings.Contains(said, "namei -l "+h.log) {
			t.Errorf("%v: %d, %s", args, code, said)
		}
	}
}

// Whoever owns the database can stop the process that asks it.
func TestAQuestionIsBoundedInRootsProcessToo(t *testing.T) {
	for asked, least := range map[time.Duration]time.Duration{0: query.DefaultTimeout, time.Second: time.Second} {
		ctx, cancel := questionTime(t.Context(), asked)
		end, bounded := ctx.Deadline()
		cancel()
		if !bounded || end.Before(time.Now()) || end.After(time.Now().Add(least+queryGrace)) {
			t.Errorf("%s: until %v, %v", asked, end, bounded)
		}
	}
}
