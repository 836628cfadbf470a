package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// answered are the commands whose examples succeed on the host of the test: a
// log, a database and a configuration, but no Apache, no certificate, no CA and
// no network. The examples of the others may fail, but not as bad usage.
var answered = []string{"agent", "certs", "certs list", "completion", "config", "import", "query", "tail", "setup --dry-run"}

// Every example of every help text is typed as it stands, and every command
// has one.
func TestHelpExamples(t *testing.T) {
	dir := exampleHost(t)
	examples := strings.Split(helpExamples, "\n")
	var collect func(parent string, commands []*cli.Command)
	collect = func(parent string, commands []*cli.Command) {
		for _, c := range commands {
			if c.Hidden {
				continue
			}
			if c.UsageText == "" {
				t.Errorf("%s %s has no example", parent, c.Name)
			}
			examples = append(examples, strings.Split(strings.TrimSpace(c.UsageText), "\n")...)
			collect(parent+" "+c.Name, c.Subcommands)
		}
	}
	collect("tlskeeper", (&app{}).newApp().Commands)
	for _, line := range examples {
		typed, _, _ := strings.Cut(line, "#")
		typed, _, _ = strings.Cut(typed, " > ")
		if typed = strings.TrimSpace(typed); typed == "" {
			continue
		}
		t.Run(typed, func(t *testing.T) { tryExample(t, dir, typed) })
	}
}

func tryExample(t *testing.T, dir, line string) {
	t.Helper()
	var out, errs bytes.Buffer
	args := exampleArgs(t, dir, line)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // ends the followers
	defer cancel()
	code := (&app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}).run(ctx, args)
	rest := strings.TrimPrefix(line, "tlskeeper ")
	succeeds := slices.ContainsFunc(answered, func(c string) bool { return rest == c || strings.HasPrefix(rest, c+" ") })
	needsMore := strings.HasPrefix(rest, "certs show") || strings.HasPrefix(rest, "certs rollback") || strings.HasPrefix(rest, "certs delete")
	if code == exitUsage || succeeds && !needsMore && code != 0 {
		t.Errorf("%q ends with %d: %s", args, code, errs.String())
	}
}

// exampleArgs splits a line as a shell does, with the paths of the example in
// the test's directory.
func exampleArgs(t *testing.T, dir, line string) []string {
	t.Helper()
	args := []string{"tlskeeper", "--root", dir}
	for i, part := range strings.Split(strings.TrimPrefix(line, "tlskeeper "), `"`) {
		if i%2 == 1 {
			args = append(args, part)
			continue
		}
		for _, word := range strings.Fields(part) {
			word = strings.NewReplacer("/var/log/apache2", dir, "/var/www/html", dir, "/srv/old/letsencrypt", dir).Replace(word)
			if found, err := filepath.Glob(word); err == nil && len(found) > 0 {
				args = append(args, found...)
				continue
			}
			args = append(args, word)
		}
	}
	if slices.Contains(args, "import-certbot") && !slices.Contains(args, "--dir") {
		args = append(args, "--dir", dir) // not that of the host
	}
	return args
}

// exampleHost is the directory of the examples; it becomes the working one.
func exampleHost(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	stamp := time.Now().Add(-time.Minute).Format("02/Jan/2006:15:04:05 -0700")
	line := fmt.Sprintf("[%s],192.0.2.1,HTTP/1.1,www.example.org,TLSv1.2,ECDHE-ECDSA-AES256-GCM-SHA384,\"curl\"\n", stamp)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(line))
	z.Close()
	conf := fmt.Sprintf(`[acme]
directory = "https://127.0.0.1:1/dir"
webroot = %[1]q
[apache]
binary = %[2]q
server_root = %[1]q
tls_log = %[3]q
[[certificate]]
names = ["www.example.org"]
[[fallback]]
ca = "zerossl"
eab_kid = "kid"
eab_hmac_file = %[4]q
`, dir, filepath.Join(dir, "no-httpd"), filepath.Join(dir, "tls.log"), filepath.Join(dir, "eab"))
	for name, text := range map[string]string{
		"tls.log": line, "tls.log.1": line, "tls.log.2.gz": packed.String(), "ca.pem": "", "eab": "a2V5", "new.toml": conf,
		"etc/tlskeeper/config.toml": conf, "trial/etc/tlskeeper/config.toml": conf,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var errs bytes.Buffer
	if code := (&app{stdout: &errs, stderr: &errs}).run(t.Context(), []string{"tlskeeper", "--root", dir, "import", "tls.log.1"}); code != 0 {
		t.Fatalf("%d: %s", code, errs.String())
	}
	return dir
}
