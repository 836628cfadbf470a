package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/testenv"
)

// The file names programs that root runs: whoever may change it, or put
// another in its place, is root.
func TestConfigurationThatOthersMayChange(t *testing.T) {
	testenv.NeedRoot(t)
	const nobody = 65534
	for name, attack := range map[string]func(path string) error{
		"its owner":              func(path string) error { return os.Chown(path, nobody, 0) },
		"its group":              func(path string) error { return errors.Join(os.Chown(path, 0, nobody), os.Chmod(path, 0o660)) },
		"everybody":              func(path string) error { return os.Chmod(path, 0o666) },
		"owner of the directory": func(path string) error { return os.Chown(filepath.Dir(path), nobody, 0) },
		"group of the directory": func(path string) error {
			return errors.Join(os.Chown(filepath.Dir(path), 0, nobody), os.Chmod(filepath.Dir(path), 0o775))
		},
		"owner above": func(path string) error { return os.Chown(filepath.Dir(filepath.Dir(path)), nobody, 0) },
		"link of another": func(path string) error {
			moved := path + ".real"
			return errors.Join(os.Rename(path, moved), os.Symlink(moved, path), os.Lchown(path, nobody, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "etc")
			path := filepath.Join(dir, "config.toml")
			err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(path, []byte("[acme]\n"), 0o640), os.Chown(path, 0, nobody))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Load(path, ""); err != nil {
				t.Fatalf("before the attack: %v", err)
			}
			if err := attack(path); err != nil {
				t.Fatal(err)
			}
			_, err = Load(path, "")
			if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), "may change it") || hint.Of(err) == "" {
				t.Errorf("got %v (hint %q)", err, hint.Of(err))
			}
		})
	}
}
