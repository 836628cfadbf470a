package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/internal/hint"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each faulty file with the line that must be blamed and words that must occur
// in message and hint.
func TestFaultyFiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
		msg  string
		hint string
	}{
		"unknown key":         {"[acme]\nagree_tos = true\nemial = \"a@b.org\"\n", 3, `unknown key "emial" in [acme]`, `did you mean "email"?`},
		"unknown section":     {"\n[cloudwach]\ngroup = \"x\"\n", 2, "unknown section [cloudwach]", `did you mean "cloudwatch"?`},
		"key outside":         {"email = \"a@b.org\"\n", 1, "before the first section", "[acme]"},
		"text without quotes": {"[acme]\nca = letsencrypt\n", 2, "not valid TOML", "quotes"},
		"number for text":     {"[acme]\nemail = 5\n", 2, "email must be text in quotes, not the number 5", ""},
		"text for number":     {"[acme]\nkeep = \"5\"\n", 2, `keep must be a whole number, not the text "5"`, ""},
		"text for truth":      {"[acme]\nagree_tos = \"yes\"\n", 2, "agree_tos must be true or false", ""},
		"text for list":       {"[[certificate]]\nnames = \"a.org\"\n", 2, `names must be a list`, ""},
		"bad duration":        {"[agent]\npoll = \"5\"\n", 2, "time with its unit", ""},
		"number for duration": {"[agent]\npoll = 250\n", 2, "time with its unit", ""},
		"poll too short":      {"[agent]\npoll = \"1ms\"\n", 2, "between", ""},
		"one bracket":         {"[certificate]\nnames = [\"a.org\"]\n", 1, "two brackets", "[[certificate]]"},
		"two brackets":        {"[[acme]]\nkeep = 5\n", 1, "only once", "[acme]"},
		"twice":               {"[acme]\nkeep = 5\nkeep = 6\n", 3, "keep", ""},
		"second certificate": {
			"[[certificate]]\nnames = [\n  \"a.org\", # ] [\n  \"b.org\",\n]\n\n[[certificate]]\nname = \"b\"\nnames = [\"b_c.org\"]\n",
			9, `"b_c" may hold only letters`, ""},
		"duplicate name":     {"[[certificate]]\nnames = [\"a.org\"]\n[[certificate]]\nnames = [\"a.org\", \"b.org\"]\n", 3, "line 1", "another name"},
		"no names":           {"[acme]\n[[certificate]]\nkey_type = \"rsa2048\"\n", 2, "no names", "names ="},
		"URL for name":       {"[[certificate]]\nnames = [\"https://a.org/\"]\n", 2, "is a URL", ""},
		"names in one text":  {"[[certificate]]\nnames = [\"a.org b.org\"]\n", 2, "a text of its own", ""},
		"wildcard over http": {"[[certificate]]\nnames = [\"*.a.org\"]\n", 2, "wildcard", "dns-01"},
		"dns without a way":  {"[[certificate]]\nnames = [\"*.a.org\"]\nchallenge = \"dns-01\"\n", 1, "dns_provider", "exec"},
		"name is a path":     {"[[certificate]]\nname = \"../../etc\"\nnames = [\"a.org\"]\n", 2, "dot", ""},
		"key type":           {"[acme]\nkey_type = \"secp384\"\n", 2, `cannot be "secp384"`, "secp384r1"},
		"inherited key type": {"[[certificate]]\nnames = [\"a.org\"]\nkey_type = \"rsa1024\"\n", 3, "rsa1024", "rsa2048"},
		"challenge":          {"[acme]\nchallenge = \"http\"\n", 2, `cannot be "http"`, "http-01"},
		"profile":            {"[apache]\nprofile = \"old\"\n", 2, `cannot be "old"`, "intermediate"},
		"relative path":      {"[apache]\ntls_log = \"tls.log\"\n", 2, "full path", ""},
		"relative hook":      {"[hooks]\ndeploy = [\"systemctl\", \"reload\", \"postfix\"]\n", 2, "full path of a program", "/usr/bin/systemctl"},
		"no way to answer":   {"[acme]\n\n[[certificate]]\nnames = [\"a.org\"]\n", 4, "needs a webroot or a listen address", "webroot = "},
		"webroot and listen": {"[acme]\nwebroot = \"/var/www\"\nlisten = \":80\"\n", 3, "two ways", "leave one"},
		"listen":             {"[acme]\nlisten = \"80\"\n", 2, "listen", ":80"},
		"cloudwatch bare":    {"[cloudwatch]\nregion = \"eu-central-1\"\n", 1, "needs a group", "group ="},
		"directory in clear": {"[acme]\ndirectory = \"http://127.0.0.1:14000/dir\"\n", 2, "https://", ""},
		"endpoint in clear":  {"[cloudwatch]\ngroup = \"g\"\nendpoint = \"http://10.1.2.3:4566\"\n", 3, "https://", ""},
		"cloudwatch wider": {"[agent]\nclient = \"none\"\n[cloudwatch]\ngroup = \"g\"\nclient = \"truncated\"\n", 5,
			`[agent] keeps "none"`, `client = "none"`},
		"cloudwatch full": {"[agent]\nclient = \"truncated\"\n[cloudwatch]\ngroup = \"g\"\nclient = \"full\"\n", 5, "cannot ship", ""},
		"cloudwatch days": {"[cloudwatch]\ngroup = \"g\"\nretention_days = 91\n", 3, "91 days", "120"},
		"small database":  {"[agent]\nmax_size = \"1MiB\"\n", 2, "at least 64MiB", "without limit"},
		"size in no unit": {"[agent]\nmax_size = 8\n", 2, "a size with its unit", ""},
		"password in URL": {"[acme]\ndirectory = \"https://u:p@ca.org/\"\n", 2, "password", ""},
		"half of EAB":     {"[acme]\neab_kid = \"k\"\n", 2, "need each other", ""},
		"binary rubbish":  {"\x00\x01\x02", 1, "not valid TOML", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.text)
			_, err := Load(path, t.TempDir())
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.File != path || e.Line != c.line || !strings.Contains(e.Msg, c.msg) || !strings.Contains(hint.Of(err), c.hint) {
				t.Errorf("got line %d, %q, hint %q", e.Line, e.Msg, hint.Of(err))
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	root := t.TempDir()
	_, err := Load("", root)
	if err == nil || !strings.Contains(err.Error(), filepath.Join(root, "etc/tlskeeper/config.toml")) || hint.Of(err) != exampleHint {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
	cfg, err := LoadOrDefault("", root)
	if err != nil || cfg.File != "" || cfg.Agent.Database != filepath.Join(root, "var/lib/tlskeeper/log/tls.db") {
		t.Errorf("without a file: %+v, %v", cfg, err)
	}
	if _, err := LoadOrDefault(filepath.Join(root, "named.toml"), root); err == nil {
		t.Error("a file that was named and is missing is no error")
	}
}

func TestDirectoryForFile(t *testing.T) {
	if _, err := Load(t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("got %v", err)
	}
}

func TestAllProblemsInOrderOfLines(t *testing.T) {
	path := write(t, "[acme]\nkeep = 0\nca = \"none\"\n[hooks]\npre = [\"x\"]\n")
	_, problems := Problems(path, PathsUnder(""))
	if len(problems) != 3 || problems[0].Line != 2 || problems[1].Line != 3 || problems[2].Line != 5 {
		t.Errorf("got %v", problems)
	}
	_, err := Load(path, "")
	if !strings.Contains(hint.Of(err), "2 more") {
		t.Errorf("hint %q does not tell of the others", hint.Of(err))
	}
}

func TestInheritance(t *testing.T) {
	path := write(t, `[acme]
key_type = "rsa2048"
reuse_key = true
webroot = "/var/www"
[[certificate]]
names = ["a.org"]
[[certificate]]
names = ["b.org"]
key_type = "secp256r1"
reuse_key = false
listen = ":80"
`)
	cfg, err := Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	a, b := cfg.Certificates[0], cfg.Certificates[1]
	if a.Name != "a.org" || a.KeyType != "rsa2048" || !a.ReuseKey || a.Webroot != "/var/www" || a.Challenge != "http-01" {
		t.Errorf("first: %+v", a)
	}
	if b.KeyType != "secp256r1" || b.ReuseKey || b.Webroot != "" || b.Listen != ":80" {
		t.Errorf("second: %+v", b)
	}
}

func TestOrigins(t *testing.T) {
	env := func(name string) string {
		if name == "TLSKEEPER_DATABASE" {
			return "/srv/tls.db"
		}
		return ""
	}
	text := "[acme]\nemail = \"a@b.org\"\n[agent]\ndatabase = \"/elsewhere.db\"\n[apache]\ntls_log = \"/x.log\"\n[[certificate]]\nnames = [\"a.org\"]\nlisten = \":80\"\n"
	cfg, problems := parse("FILE", text, PathsUnder(""), env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := map[string][2]string{
		"acme.email":              {`"a@b.org"`, "FILE:2"},
		"acme.keep":               {"5", "default"},
		"agent.database":          {`"/srv/tls.db"`, "$TLSKEEPER_DATABASE"},
		"agent.logs":              {`["/x.log"]`, "apache.tls_log"},
		"agent.quiet":             {`"1h"`, "default"},
		"certificate[0].name":     {`"a.org"`, "first of names"},
		"certificate[0].key_type": {`"secp384r1"`, "[acme]"},
	}
	for _, v := range cfg.Values() {
		if w, ok := want[v.Key]; ok {
			if v.String() != w[0] || v.Origin != w[1] {
				t.Errorf("%s = %s from %s, want %v", v.Key, v, v.Origin, w)
			}
			delete(want, v.Key)
		}
	}
	if len(want) > 0 {
		t.Errorf("not shown: %v", want)
	}
}

func TestEnvironmentIsChecked(t *testing.T) {
	env := func(string) string { return "relative" }
	_, problems := parse("FILE", "", PathsUnder(""), env)
	if len(problems) == 0 || !strings.HasPrefix(problems[0].File, "$TLSKEEPER_") {
		t.Errorf("got %v", problems)
	}
}

// Of an address no more can be shipped than is kept, so a file that says
// nothing about shipping follows what it says about keeping.
func TestShippedAddressesFollowTheKeptOnes(t *testing.T) {
	for text, want := range map[string]string{
		"[agent]\nclient = \"truncated\"\n[cloudwatch]\ngroup = \"g\"\n":                    "truncated",
		"[cloudwatch]\ngroup = \"g\"\n":                                                     "full",
		"[agent]\nclient = \"full\"\n[cloudwatch]\ngroup = \"g\"\nclient = \"none\"\n":      "none",
		"[agent]\nclient = \"truncated\"\n[cloudwatch]\ngroup = \"g\"\nclient = \"none\"\n": "none",
	} {
		cfg, err := Load(write(t, text), "")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if cfg.CloudWatch.Client != want {
			t.Errorf("%s: %q is shipped, want %q", text, cfg.CloudWatch.Client, want)
		}
	}
}

func TestFileOfOthers(t *testing.T) {
	path := write(t, "[acme]\n")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, ""); err == nil || !strings.Contains(hint.Of(err), "chmod") {
		t.Errorf("a file that everybody may write was read: %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := errors.Join(os.Chmod(path, 0o644), os.Chown(path, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, ""); err == nil || !strings.Contains(hint.Of(err), "chown") {
		t.Errorf("a file of user 12345 was read: %v", err)
	}
}

func TestEndpointOnThisHost(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		path := write(t, "[cloudwatch]\ngroup = \"g\"\nendpoint = \"http://"+host+":4566\"\n")
		if _, err := Load(path, ""); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// A configuration of exactly the greatest size is read, one of a byte more is
// refused by its size.
func TestGreatestFile(t *testing.T) {
	const greatest = 1 << 20
	text := "[acme]\nkeep = 7\n#"
	text += strings.Repeat("x", greatest-len(text)-1) + "\n"
	cfg, err := Load(write(t, text), "/")
	if err != nil || cfg.ACME.Keep != 7 {
		t.Errorf("%d bytes: %v", len(text), err)
	}
	_, err = Load(write(t, text+"#"), "/")
	if err == nil || !strings.Contains(err.Error(), "too big") {
		t.Errorf("%d bytes: %v", len(text)+1, err)
	}
}
