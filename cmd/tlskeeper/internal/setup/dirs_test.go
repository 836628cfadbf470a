package setup

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// Two hands make the directories: setup, and systemd-tmpfiles at boot. They
// must make the same.
func TestDirectoriesAreThoseOfTmpfiles(t *testing.T) {
	data, err := os.ReadFile("../../../../systemd/tmpfiles.d/tlskeeper.conf")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 4 && f[0] == "d" {
			want[strings.Join(f[1:5], " ")] = true
		}
	}
	for _, d := range directories(config.PathsUnder("")) {
		owner := "root root"
		if d.agents {
			owner = agentUser + " " + logGroup
		}
		line := fmt.Sprintf("%s %04o %s", d.Path, d.Mode, owner)
		if !want[line] {
			t.Errorf("tmpfiles.d lacks %s", line)
		}
		delete(want, line)
	}
	for line := range want {
		t.Errorf("only tmpfiles.d makes %s", line)
	}
}
