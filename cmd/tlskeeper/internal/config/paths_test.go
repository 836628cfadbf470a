package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSystemdDirectoriesOnlyForTheUnit(t *testing.T) {
	const pid, child = 100, 200
	for name, c := range map[string]struct {
		env       map[string]string
		pid, ppid int
		want      bool
	}{
		"unit's main process":       {map[string]string{"INVOCATION_ID": "x", "SYSTEMD_EXEC_PID": "100"}, pid, 1, true},
		"child of a unit":           {map[string]string{"INVOCATION_ID": "x", "SYSTEMD_EXEC_PID": "100"}, child, pid, false},
		"shell with only the id":    {map[string]string{"INVOCATION_ID": "x"}, child, pid, false},
		"systemd before 248":        {map[string]string{"INVOCATION_ID": "x"}, pid, 1, true},
		"set by hand":               {map[string]string{}, pid, 1, false},
		"pid without an invocation": {map[string]string{"SYSTEMD_EXEC_PID": "100"}, pid, 1, false},
	} {
		if got := startedBySystemd(func(k string) string { return c.env[k] }, c.pid, c.ppid); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestSystemdDirectories(t *testing.T) {
	env := map[string]string{
		"STATE_DIRECTORY":         "/srv/state/log",
		"CONFIGURATION_DIRECTORY": "/srv/etc:/other",
		"RUNTIME_DIRECTORY":       "/srv/run",
	}
	got := PathsUnder("").underSystemd(func(k string) string { return env[k] })
	want := Paths{Etc: "/srv/etc", ACME: "/var/lib/tlskeeper/acme", Apache: "/var/lib/tlskeeper/apache", Log: "/srv/state/log", Run: "/srv/run"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	env = map[string]string{"STATE_DIRECTORY": "/srv/state"}
	got = PathsUnder("").underSystemd(func(k string) string { return env[k] })
	if got.ACME != "/srv/state/acme" || got.Log != "/srv/state/log" {
		t.Errorf("whole tree: %+v", got)
	}
}

func TestPathsUnderRoot(t *testing.T) {
	want := Paths{Etc: "/x/etc/tlskeeper", ACME: "/x/var/lib/tlskeeper/acme", Apache: "/x/var/lib/tlskeeper/apache", Log: "/x/var/lib/tlskeeper/log", Run: "/x/run/tlskeeper"}
	if d := cmp.Diff(want, PathsUnder("/x")); d != "" {
		t.Error(d)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got := PathsUnder("./trial"); got != PathsUnder(filepath.Join(here, "trial")) {
		t.Error(got)
	}
	if PathsUnder("") != PathsUnder("/") {
		t.Error("no root is not /")
	}
}
