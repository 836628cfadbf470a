package safepath

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/testenv"
)

// Each command of root's runs a file of alice's: DIR/theirs. DIR is root's.
func TestProgramsThatACommandNames(t *testing.T) {
	testenv.NeedRoot(t)
	for name, c := range map[string]struct {
		argv    []string
		script  string // of DIR/ours
		refused bool
	}{
		"theirs":                     {[]string{"DIR/theirs"}, "", true},
		"ours":                       {[]string{"DIR/ours", "DIR/theirs"}, "#!/bin/sh\n", false},
		"found on PATH":              {[]string{"theirs"}, "", true},
		"a shell's":                  {[]string{"/bin/sh", "DIR/theirs"}, "", true},
		"a shell's, with options":    {[]string{"/bin/sh", "-e", "-ux", "DIR/theirs"}, "", true},
		"a shell's text":             {[]string{"/bin/sh", "-c", "DIR/theirs"}, "", false},
		"read by a program":          {[]string{"/bin/cat", "DIR/theirs"}, "", false},
		"env's":                      {[]string{"/usr/bin/env", "A=b", "DIR/theirs"}, "", true},
		"env's, found on PATH":       {[]string{"/usr/bin/env", "theirs"}, "", true},
		"env's, found on its PATH":   {[]string{"/usr/bin/env", "PATH=/bin:DIR", "theirs"}, "", true},
		"env's, a shell's":           {[]string{"/usr/bin/env", "-i", "sh", "DIR/theirs"}, "", true},
		"interpreter":                {[]string{"DIR/ours"}, "#!DIR/theirs\n", true},
		"interpreter with blanks":    {[]string{"DIR/ours"}, "#! DIR/theirs  -x\n", true},
		"interpreter by env":         {[]string{"DIR/ours"}, "#!/usr/bin/env theirs\n", true},
		"interpreter by env, split":  {[]string{"DIR/ours"}, "#!/usr/bin/env -S theirs -u\n", true},
		"interpreter's own script":   {[]string{"DIR/ours"}, "#!/bin/sh DIR/theirs\n", true},
		"interpreter by env, ours":   {[]string{"DIR/ours"}, "#!/usr/bin/env sh\n", false},
		"interpreter that has none":  {[]string{"DIR/ours"}, "#!\n", false},
		"interpreter that is itself": {[]string{"DIR/ours"}, "#!DIR/ours\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
			err := errors.Join(os.WriteFile(theirs, []byte("#!/bin/sh\n"), 0o755), os.Chown(theirs, alice, alice),
				os.WriteFile(ours, []byte(strings.ReplaceAll(c.script, "DIR", dir)), 0o755))
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":/usr/bin:/bin")
			argv := make([]string, len(c.argv))
			for i, arg := range c.argv {
				argv[i] = strings.ReplaceAll(arg, "DIR", dir)
			}
			judged, err := Command(argv, []string{"PATH=/usr/bin:/bin:" + dir})
			if e, ok := errors.AsType[*Error](err); c.refused && (!ok || e.Path != theirs) || !c.refused && err != nil {
				t.Errorf("refused should be %v: %v", c.refused, err)
			}
			if err == nil && !filepath.IsAbs(judged[0]) {
				t.Errorf("would run %q", judged)
			}
		})
	}
}

// env looks at the directories of PATH in their order when it is run, and not
// before.
func TestEarlierOnPATH(t *testing.T) {
	testenv.NeedRoot(t)
	first := t.TempDir()
	argv, env := []string{"/usr/bin/env", "true"}, []string{"PATH=" + first + ":/usr/bin:/bin"}
	if _, err := Command(argv, env); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(first, alice, -1); err != nil {
		t.Fatal(err)
	}
	_, err := Command(argv, env)
	if e, ok := errors.AsType[*Error](err); !ok || e.Path != first {
		t.Errorf("got %v", err)
	}
}

func TestProgramThatIsMissing(t *testing.T) {
	if _, err := Command([]string{filepath.Join(t.TempDir(), "missing")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
