package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/urfave/cli/v2"

	"tlskeeper/apacheconf"
	"tlskeeper/cmd/tlskeeper/internal/config"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

const (
	manPage       = "tlskeeper.8.md"
	commandsBegin = "<!-- commands: written by UPDATE_MAN=1 go test ./cmd/tlskeeper -run TestManPage -->\n"
	commandsEnd   = "<!-- end of commands -->\n"
)

func readMan(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The section COMMANDS is made from the command tree, so that it has every
// command and flag of the program and no other.
func TestManPageHasTheCommandsOfTheProgram(t *testing.T) {
	page := readMan(t)
	before, rest, ok1 := strings.Cut(page, commandsBegin)
	_, after, ok2 := strings.Cut(rest, commandsEnd)
	if !ok1 || !ok2 {
		t.Fatal("the marks around the commands are gone")
	}
	want := before + commandsBegin + manCommands((&app{}).newApp()) + commandsEnd + after
	if want == page {
		return
	}
	if os.Getenv("UPDATE_MAN") == "" {
		t.Fatal("the man page is not that of this program; run: UPDATE_MAN=1 go test ./cmd/tlskeeper -run TestManPage")
	}
	if err := os.WriteFile(manPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	findingsBegin = "<!-- findings: written by UPDATE_MAN=1 go test ./cmd/tlskeeper -run TestManPage -->\n"
	findingsEnd   = "<!-- end of findings -->\n"
)

// The section FINDINGS is made from the table of faults.
func TestManPageHasTheFindingsOfTheProgram(t *testing.T) {
	page := readMan(t)
	before, rest, ok1 := strings.Cut(page, findingsBegin)
	_, after, ok2 := strings.Cut(rest, findingsEnd)
	if !ok1 || !ok2 {
		t.Fatal("the marks around the findings are gone")
	}
	want := before + findingsBegin + manFindings() + findingsEnd + after
	if want == page {
		return
	}
	if os.Getenv("UPDATE_MAN") == "" {
		t.Fatal("the man page has other findings; run: UPDATE_MAN=1 go test ./cmd/tlskeeper -run TestManPage")
	}
	if err := os.WriteFile(manPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func manFindings() string {
	var b strings.Builder
	b.WriteString("\n")
	for _, f := range apacheconf.Faults() {
		fmt.Fprintf(&b, "**%s**\n: %s %s To do: %s\n\n", f.Code, f.What, f.Why, f.Do)
	}
	return b.String()
}

func manCommands(tool *cli.App) string {
	var b strings.Builder
	b.WriteString("\n## Everywhere\n\n")
	manFlags(&b, tool.Flags)
	manTree(&b, "tlskeeper", tool.Commands)
	return b.String()
}

func manTree(b *strings.Builder, parent string, commands []*cli.Command) {
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		name := parent + " " + c.Name
		fmt.Fprintf(b, "## %s\n\n", strings.TrimSpace(name+" "+c.ArgsUsage))
		manText(b, c)
		manFlags(b, c.Flags)
		manTree(b, name, c.Subcommands)
	}
}

func manText(b *strings.Builder, c *cli.Command) {
	b.WriteString(sentence(c.Usage))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(b, " Also called **%s**.", strings.Join(c.Aliases, "**, **"))
	}
	b.WriteString("\n\n")
	if c.Description != "" {
		b.WriteString(escapeMarkdown(c.Description) + "\n\n")
	}
	if c.UsageText != "" {
		b.WriteString("    " + strings.ReplaceAll(strings.TrimSpace(c.UsageText), "\n", "\n    ") + "\n\n")
	}
}

func sentence(s string) string {
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, "?") {
		s += "."
	}
	return escapeMarkdown(s)
}

// escapeMarkdown keeps what a help text means literally.
func escapeMarkdown(s string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`).Replace(s)
}

func manFlags(b *strings.Builder, flags []cli.Flag) {
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		usage, value := cmdline.UnquoteUsage(f)
		if value != "" {
			value = " *" + value + "*"
		}
		fmt.Fprintf(b, "%s%s\n: %s.\n\n", dashed(f.Names()), value, escapeMarkdown(usage))
	}
}

func dashed(names []string) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, "**"+cmdline.Dashes(n)+n+"**")
	}
	return strings.Join(parts, ", ")
}

// manSection cuts the text below a heading out of the page.
func manSection(t *testing.T, title string) string {
	t.Helper()
	_, rest, ok := strings.Cut(readMan(t), "\n# "+title+"\n")
	if !ok {
		t.Fatalf("the man page has no section %s", title)
	}
	text, _, _ := strings.Cut(rest, "\n# ")
	return text
}

func TestManPageHasTheExitCodesOfTheProgram(t *testing.T) {
	var inMan []string
	for _, m := range regexp.MustCompile(`(?m)^\*\*(\d+)\*\*$`).FindAllStringSubmatch(manSection(t, "EXIT STATUS"), -1) {
		inMan = append(inMan, m[1])
	}
	if inCode := exitConstants(t); !slices.Equal(inMan, inCode) {
		t.Errorf("the man page has %v, exit.go has %v", inMan, inCode)
	}
}

// exitConstants reads the values of the constants exit... from exit.go.
func exitConstants(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "exit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && len(spec.Values) == 1 && strings.HasPrefix(spec.Names[0].Name, "exit") {
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				values = append(values, lit.Value)
			}
		}
		return true
	})
	return values
}

func TestManPageHasTheVariables(t *testing.T) {
	text := manSection(t, "ENVIRONMENT")
	names := config.Variables()
	for _, f := range globalFlags() {
		names = append(names, f.(cli.DocGenerationFlag).GetEnvVars()...)
	}
	for _, name := range names {
		if !strings.Contains(text, "**"+name+"**") {
			t.Errorf("the man page lacks %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`TLSKEEPER_\w+`).FindAllString(text, -1) {
		if !slices.Contains(names, m) {
			t.Errorf("the man page has %s, which nothing reads", m)
		}
	}
}

// What a packager makes of the page must be a man page.
func TestManPageRenders(t *testing.T) {
	roff := string(md2man.Render([]byte(readMan(t))))
	for _, want := range []string{".TH", ".SH NAME", ".SH EXIT STATUS", ".SH ERROR HANDLING", ".SH FILES", ".SH ENVIRONMENT"} {
		if !strings.Contains(roff, want) {
			t.Errorf("the rendered page lacks %q", want)
		}
	}
	if strings.Contains(roff, "<!--") {
		t.Error("the rendered page shows the marks")
	}
}
