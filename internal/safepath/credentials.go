package safepath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// CheckNamedFiles judges the files that environment variables beginning with
// prefix and ending in _FILE name, errors as for Check: libraries read their
// secrets from there, by themselves. A file that is missing is theirs to miss.
func CheckNamedFiles(prefix string) error {
	for _, kv := range os.Environ() {
		name, path, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, "_FILE") {
			if err := checkIfThere(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckAWS judges the files that the AWS SDK reads (SDKs and Tools Reference,
// "Location of the shared config and credentials files"; AWS_CA_BUNDLE),
// errors as for Check. Their credential_process names a program to run.
func CheckAWS() error {
	if err := CheckNamedFiles("AWS_"); err != nil {
		return err
	}
	paths := []string{os.Getenv("AWS_CA_BUNDLE")}
	if home, err := os.UserHomeDir(); err == nil {
		for variable, name := range map[string]string{"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"} {
			if os.Getenv(variable) == "" {
				paths = append(paths, filepath.Join(home, ".aws", name))
			}
		}
	}
	for _, path := range paths {
		if err := checkIfThere(path); err != nil {
			return err
		}
	}
	return nil
}

// checkIfThere is Check for a file that need not exist, but must not be others'
// to make. Everybody may write /dev/null, and nobody can change it by that.
func checkIfThere(path string) error {
	if path == "" || path == os.DevNull {
		return nil
	}
	err := Check(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
