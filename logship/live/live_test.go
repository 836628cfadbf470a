package live

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tlskeeper/internal/hint"

	"tlskeeper/logship/logshiptest"
)

// watch runs Live in the background.
func watch(t *testing.T, c Config) (out, talk *logshiptest.Buffer, stop func() error) {
	t.Helper()
	out, talk = &logshiptest.Buffer{}, &logshiptest.Buffer{}
	c.Out, c.Talk = out, talk
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Show(ctx, c) }()
	t.Cleanup(cancel)
	return out, talk, func() error { cancel(); return <-done }
}

func TestLiveShowsTheLastLinesAndNewOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.log")
	os.WriteFile(path, []byte(logshiptest.Lines(1, 10)), 0o600)
	out, talk, stop := watch(t, Config{Path: path, Lines: 3, Follow: true})
	logshiptest.Eventually(t, "the last lines", func() bool { return strings.Count(out.String(), "agent") == 3 })
	if !strings.Contains(out.String(), "agent 8\n") {
		t.Error(out)
	}
	logshiptest.Append(t, path, logshiptest.Lines(11, 11))
	logshiptest.Eventually(t, "a new line", func() bool { return strings.Contains(out.String(), "agent 11\n") })
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	logshiptest.Append(t, path, logshiptest.Lines(12, 12))
	logshiptest.Eventually(t, "a line after the rotation", func() bool { return strings.Contains(out.String(), "agent 12\n") })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(talk.String(), "5 lines | TLSv1.3 5 (100.0 %) | TLS_AES_256_GCM_SHA384 5") {
		t.Error(talk)
	}
}

func TestLiveWaitsForALogThatIsNotThereYet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.log")
	out, talk, stop := watch(t, Config{Path: path, Follow: true})
	logshiptest.Eventually(t, "a word about it", func() bool { return strings.Contains(talk.String(), "not there yet") })
	logshiptest.Append(t, path, logshiptest.Lines(1, 1))
	logshiptest.Eventually(t, "the line", func() bool { return strings.Contains(out.String(), "agent 1\n") })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestLiveOfNothing(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]Config{
		"no file":      {Path: filepath.Join(dir, "tls.log")},
		"no directory": {Path: filepath.Join(dir, "no", "tls.log"), Follow: true},
		"a directory":  {Path: dir, Follow: true},
	} {
		_, _, stop := watch(t, c)
		err := stop()
		if err == nil || !strings.HasPrefix(err.Error(), "reading "+c.Path+": ") {
			t.Errorf("%s: %v", name, err)
		}
		if name != "a directory" && !strings.Contains(hint.Of(err), "--log-only") {
			t.Errorf("%s: hint %q", name, hint.Of(err))
		}
	}
}

func TestFilters(t *testing.T) {
	const log = `[23/Nov/2026:00:00:01 +0000],192.0.2.7,HTTP/1.1,a.example,TLSv1.3,TLS_AES_256_GCM_SHA384,"one"
[23/Nov/2026:00:00:02 +0000],198.51.100.1,HTTP/1.1,b.example,TLSv1.2,ECDHE-RSA-AES128-SHA,"two"
[23/Nov/2026:00:00:03 +0000],2001:db8::1,HTTP/2.0,a.example,TLSv1.2,ECDHE-ECDSA-AES256-GCM-SHA384,"three"
[23/Nov/2026:00:00:04 +0000],192.0.2.7,HTTP/1.1,a.example,TLSv1,AES128-SHA,"old"
nonsense
`
	path := filepath.Join(t.TempDir(), "tls.log")
	os.WriteFile(path, []byte(log), 0o600)
	for _, c := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "one two three old nonsense"},
		{Filter{VHost: "A.example"}, "one three old"},
		{Filter{Protocol: "tlsv1.2"}, "two three"},
		{Filter{Protocol: "TLSv1.0"}, "old"},
		{Filter{Protocol: "tlsv1"}, "old"},
		{Filter{Cipher: "ecdhe-rsa"}, "two"},
		{Filter{Client: "192.0.2.7"}, "one old"},
		{Filter{Client: "198.51.0.0/16"}, "two"},
		{Filter{Client: "2001:db8::/32", VHost: "b.example"}, ""},
	} {
		var out strings.Builder
		err := Show(t.Context(), Config{Path: path, Lines: 10, Filter: c.filter, Out: &out, Talk: &strings.Builder{}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for l := range strings.Lines(out.String()) {
			got = append(got, l[strings.LastIndex(l, " ")+1:len(l)-1])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q, want %q", c.filter, got, c.want)
		}
	}
	if err := Show(t.Context(), Config{Path: path, Filter: Filter{Client: "1/2"}}); err == nil {
		t.Error("what is not a network was accepted")
	}
}

// A user agent may hold what a terminal obeys.
func TestLiveIsSafeForATerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.log")
	hostile := `[23/Nov/2026:00:00:01 +0000],192.0.2.7,HTTP/1.1,a.example,TLSv1.3,X,"\x1b[2J\x9b1m` + "\u009b\u202e\u2066\u200b\"\nraw \x1b]0;title\x07\n"
	os.WriteFile(path, []byte(hostile), 0o600)
	for _, form := range []Form{Columns, Raw, JSON} {
		var out strings.Builder
		if err := Show(t.Context(), Config{Path: path, Lines: 10, Form: form, Out: &out, Talk: &strings.Builder{}}); err != nil {
			t.Fatal(err)
		}
		obeyed := strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
		if obeyed || !utf8.ValidString(out.String()) || strings.Count(out.String(), "\n") != 2 {
			t.Errorf("form %d: %q", form, out.String())
		}
	}
}

// The counts come after the last lines, and come back after lines that come
// faster than they are counted anew.
func TestLiveCountsStayBelowTheLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.log")
	os.WriteFile(path, []byte(logshiptest.Lines(1, 2)), 0o600)
	_, talk, stop := watch(t, Config{Path: path, Lines: 2, Follow: true, Running: true})
	below := func() string {
		text := talk.String()
		return text[strings.LastIndex(text, "\x1b[K")+1:]
	}
	logshiptest.Eventually(t, "the counts of a quiet log", func() bool { return strings.Contains(below(), "2 lines") })
	logshiptest.Append(t, path, logshiptest.Lines(3, 12))
	logshiptest.Eventually(t, "the counts after ten lines at once", func() bool { return strings.Contains(below(), "12 lines") })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestLiveCutsLinesToTheTerminal(t *testing.T) {
	const log = `[23/Nov/2026:00:00:01 +0000],192.0.2.7,HTTP/1.1,www.example.org,TLSv1.3,TLS_AES_256_GCM_SHA384,"Mozilla/5.0 (X11; Linux x86_64)"
[23/Nov/2026:00:00:02 +0000],2001:db8:1234:5678:9abc:def0:1234:5678,HTTP/2.0,www.example.org,TLSv1.3,X,"curl"
nonsense that is longer than eighty columns, nonsense that is longer than eighty columns
`
	path := filepath.Join(t.TempDir(), "tls.log")
	os.WriteFile(path, []byte(log), 0o600)
	show := func(form Form, columns int) string {
		var out strings.Builder
		err := Show(t.Context(), Config{Path: path, Lines: 10, Form: form, Out: &out, Talk: &strings.Builder{},
			Width: func() int { return columns }})
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, columns := range []int{20, 80, 100, 105, 200} {
		for line := range strings.Lines(show(Columns, columns)) {
			if wide := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); wide > columns {
				t.Errorf("%d of %d columns: %s", wide, columns, line)
			}
		}
	}
	if got := show(Columns, 100); !strings.Contains(got, "192.0.2.7  HTTP/1.1  Mozilla/5.0…\n") {
		t.Error(got)
	}
	for _, form := range []Form{Raw, JSON} {
		if got := show(form, 80); strings.Contains(got, "…") {
			t.Error(got)
		}
	}
	if got := show(Columns, 0); !strings.Contains(got, "Linux x86_64)\n") || strings.Contains(got, "…") {
		t.Error(got)
	}
}

// A word that no client can be would find nothing for ever.
func TestLiveClientThatIsNone(t *testing.T) {
	for client, good := range map[string]bool{
		"": true, "192.0.2.7": true, "2001:db8::1": true, "::1": true, "192.0.2.0/24": true, "host.example.org": true,
		"foo": false, "999": false, "1/2": false, "192.0.2": false,
	} {
		if err := (Filter{Client: client}).Check(); (err == nil) != good {
			t.Errorf("%q: %v", client, err)
		}
	}
}
