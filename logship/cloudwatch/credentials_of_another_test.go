package cloudwatch

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/testenv"
)

// AWS's configuration names a program to run, credential_process.
func TestAWSConfigurationOfAnotherUserIsNotRead(t *testing.T) {
	testenv.NeedRoot(t)
	c := Config{Group: "g", Stream: "s", Region: "eu-central-1", Log: slog.New(slog.DiscardHandler)}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_CONFIG_FILE", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "")
	if _, err := New(t.Context(), c); err != nil {
		t.Errorf("without any: %v", err)
	}
	path := filepath.Join(home, ".aws", "config")
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("[default]\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), c); err != nil {
		t.Errorf("root's: %v", err)
	}
	if err := os.Chown(path, 65534, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), path+": others may change it") {
		t.Errorf("another's: %v", err)
	}
}
