package apacheconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/templates"
)

// Faults that come with our own change: the shadow finds them, and the live
// server never hears of them.
func TestPlannedFaultIsCaughtByTheShadow(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, _ := r.generation()
	stranger, _ := r.generation()
	mismatch := filepath.Join(r.dir, "certs", "mismatch")
	copyFile(t, filepath.Join(dir, "fullchain.pem"), filepath.Join(mismatch, "fullchain.pem"))
	copyFile(t, filepath.Join(stranger, "key.pem"), filepath.Join(mismatch, "key.pem"))
	good, _ := templates.Lookup("intermediate")
	group, cipher, protocol := good, good, good
	group.Groups = []string{"nosuch"}
	cipher.Suites12 = []string{"NOSUCH"}
	protocol.Protocol = "-all"
	adopt := Change{Generations: map[string]string{"a.test": mismatch}, Adopt: []string{"a.test"}}
	for _, f := range []struct {
		name, says string
		change     Change
		profile    *templates.Profile
	}{
		{"key of another generation", "AH02565", adopt, nil},
		{"unknown group", "AH02407", Change{}, &group},
		{"no cipher", "AH01898", Change{}, &cipher},
		{"no protocol", "AH02231", Change{}, &protocol},
	} {
		t.Run(f.name, func(t *testing.T) {
			before := r.snapshot()
			s := r.discover()
			p, err := s.planWith(t.Context(), f.change, f.profile)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Apply(t.Context(), p)
			if refused := asRefused(t, err); !strings.Contains(refused.Error(), f.says) {
				t.Error(err)
			}
			r.unchanged(before)
			r.serves("a.test", r.oldA.Leaf)
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
