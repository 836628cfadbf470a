package setup

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// What is typed stays one value of the file, whatever it holds.
func TestAnswersCannotBreakOutOfTheirValue(t *testing.T) {
	paths := config.PathsUnder(t.TempDir())
	for _, evil := range []string{"x\"\nagree_tos = true\n#", `\`, "\x7f", "\xff", "a]\nb", "'''", "é"} {
		text := Answers{Group: evil}.text()
		cfg, problems := config.Parse("FILE", text, paths)
		if len(problems) > 0 {
			t.Errorf("%q: %v in\n%s", evil, problems[0], text)
			continue
		}
		if cfg.ACME.AgreeTOS || cfg.CloudWatch.Group != strings.ToValidUTF8(evil, "?") {
			t.Errorf("%q became %q, terms %v", evil, cfg.CloudWatch.Group, cfg.ACME.AgreeTOS)
		}
	}
}

func TestFileThatAppearsMeanwhileStays(t *testing.T) {
	paths := config.PathsUnder(t.TempDir())
	p, err := Prepare(paths, paths.ConfigFile(), Answers{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(paths.Etc, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, paths.ConfigFile(), "# mine\n", 0o644)
	if err := p.Apply(); err == nil {
		t.Error("no error")
	}
	if data, _ := os.ReadFile(paths.ConfigFile()); string(data) != "# mine\n" {
		t.Errorf("the file became %q", data)
	}
}

func TestDanglingLinkIsNotReplaced(t *testing.T) {
	paths := config.PathsUnder(t.TempDir())
	if err := os.MkdirAll(paths.Etc, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(paths.Etc, "elsewhere"), paths.ConfigFile()); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(paths, paths.ConfigFile(), Answers{}); err == nil {
		t.Error("a link to nothing counts as no configuration")
	}
}

func TestQuestions(t *testing.T) {
	var a Answers
	var talk bytes.Buffer
	if err := a.Ask(t.Context(), strings.NewReader("www.a.org, a.org\nyes\na@a.org\n/srv/www\nweb\neu-central-1\n"), &talk); err != nil {
		t.Fatal(err)
	}
	want := Answers{AgreeTOS: true, Email: "a@a.org", Names: []string{"www.a.org", "a.org"}, Webroot: "/srv/www", Group: "web", Region: "eu-central-1"}
	if d := cmp.Diff(want, a); d != "" {
		t.Error(d)
	}
	var none Answers
	if err := none.Ask(t.Context(), strings.NewReader("\n\n"), &talk); err != nil || none.AgreeTOS || len(none.Names) > 0 {
		t.Errorf("empty lines: %+v, %v", none, err)
	}
}

// What is wrong is said at once, and no answer is lost by it.
func TestWrongAnswerIsAskedAgain(t *testing.T) {
	var a Answers
	var talk bytes.Buffer
	typed := []string{
		"not_a_name, a.org", "*.a.org", "www.a.org a.org",
		"perhaps", "YES",
		"nobody", "a@a.org",
		"", "srv/www", "8080", "localhost:nonsense", ":80",
		"web", "",
	}
	if _, err := os.Stat(defaultWebroot); err == nil {
		typed = append(typed[:7], typed[8:]...) // an empty line is an answer there
	}
	if err := a.Ask(t.Context(), strings.NewReader(strings.Join(typed, "\n")+"\n"), &talk); err != nil {
		t.Fatalf("%v\n%s", err, talk.String())
	}
	want := Answers{AgreeTOS: true, Email: "a@a.org", Names: []string{"www.a.org", "a.org"}, Listen: ":80", Group: "web"}
	if d := cmp.Diff(want, a); d != "" {
		t.Errorf("%s\n%s", d, talk.String())
	}
	for _, why := range []string{`"not_a_name"`, "wildcard", "yes or no", `"nobody" is not a mail address`, "must be a full path", "is not an address with a port"} {
		if !strings.Contains(talk.String(), why) {
			t.Errorf("nothing about %s in\n%s", why, talk.String())
		}
	}
}

func TestFlagsBeforeQuestions(t *testing.T) {
	wrong := Answers{Names: []string{"not a name"}}
	if err := wrong.Ask(t.Context(), strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), "not a name") {
		t.Errorf("got %v", err)
	}
	named := Answers{Names: []string{"a.org"}, AgreeTOS: true, Email: "a@a.org", Group: "web", Region: "x"}
	if err := named.Ask(t.Context(), strings.NewReader("/srv/www\n"), io.Discard); err != nil || named.Webroot != "/srv/www" {
		t.Errorf("%+v, %v", named, err)
	}
}
