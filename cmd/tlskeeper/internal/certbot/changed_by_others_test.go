package certbot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/testenv"
)

// A key that somebody else put there would be theirs, not ours.
func TestCertbotFilesOfAnotherUserAreNotTakenOver(t *testing.T) {
	testenv.NeedRoot(t)
	for _, file := range []string{
		"renewal/a.example.org.conf", "archive/a.example.org/privkey1.pem", "archive/a.example.org/fullchain1.pem",
		"accounts/acme-v02.api.letsencrypt.org/directory/0123456789abcdef0123456789abcdef/private_key.json",
	} {
		f := newFixture(t)
		f.lineage("a.example.org", head1, month, "a.example.org")
		f.account()
		if host, err := Read(f.dir); err != nil || len(host.Lineages[0].Faults) > 0 {
			t.Fatalf("before: %+v, %v", host, err)
		}
		if err := os.Chown(filepath.Join(f.dir, file), 65534, -1); err != nil {
			t.Fatal(err)
		}
		host, err := Read(f.dir)
		if err == nil && len(host.Lineages[0].Faults) == 1 {
			if said := host.Lineages[0].Faults[0]; strings.Contains(said, "others may change it") {
				continue
			}
		}
		if err == nil || !strings.Contains(err.Error(), "others may change it") {
			t.Errorf("%s: %v, %+v", file, err, host)
		}
	}
}
