package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// helpOf types a command with --help.
func helpOf(t *testing.T, command string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := (&app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}).run(t.Context(), append(strings.Fields(command), "--help"))
	if code != 0 || errs.Len() > 0 {
		t.Fatalf("%s --help: %d %s", command, code, errs.String())
	}
	return out.String()
}

// everyCommand calls do with each command as it is typed.
func everyCommand(do func(typed string, c *cli.Command)) {
	var walk func(parent string, commands []*cli.Command)
	walk = func(parent string, commands []*cli.Command) {
		for _, c := range commands {
			if !c.Hidden {
				do(parent+" "+c.Name, c)
				walk(parent+" "+c.Name, c.Subcommands)
			}
		}
	}
	walk("tlskeeper", (&app{}).newApp().Commands)
}

func TestHelpTellsTheArgumentsAndWhatWorksEverywhere(t *testing.T) {
	everyCommand(func(typed string, c *cli.Command) {
		text := helpOf(t, typed)
		for _, want := range []string{"NAME:\n   " + typed + " - ", "\nUSAGE:\n   " + typed + " ", "\nEXAMPLES:\n", "\nFLAGS:\n", "-h, --help"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", typed, want, text)
			}
		}
		if c.ArgsUsage != "" && !strings.Contains(text, "[flags] "+c.ArgsUsage+"\n") {
			t.Errorf("%s: no synopsis of %s", typed, c.ArgsUsage)
		}
		if c.Description != "" && !strings.Contains(text, "\nDESCRIPTION:\n") {
			t.Errorf("%s: no description", typed)
		}
		if !strings.HasSuffix(text, "\nEverywhere: --config, --root, --json, -v, -q; see tlskeeper --help.\n") {
			t.Errorf("%s: no word about the global flags", typed)
		}
		for _, f := range c.Flags {
			if v, ok := f.(cli.VisibleFlag); ok && v.IsVisible() && !strings.Contains(text, "-"+f.Names()[0]) {
				t.Errorf("%s: no flag %s", typed, f.Names()[0])
			}
		}
	})
}

// A long example stays one line: it is to be copied.
func TestHelpFitsEightyColumns(t *testing.T) {
	check := func(typed string, c *cli.Command) {
		for line := range strings.Lines(helpOf(t, typed)) {
			line = strings.TrimSuffix(line, "\n")
			isExample := c != nil && strings.Contains(c.UsageText, strings.TrimSpace(line))
			if utf8.RuneCountInString(line) > 80 && !isExample {
				t.Errorf("%s: %s", typed, line)
			}
		}
	}
	check("tlskeeper", nil)
	everyCommand(check)
}

func TestHelpOfTheWhole(t *testing.T) {
	text := helpOf(t, "tlskeeper")
	for _, want := range []string{
		"\nUSAGE:\n   tlskeeper COMMAND [flags] [arguments]\n", "\nEXAMPLES:\n   tlskeeper setup ",
		"\n   certs, certificates  list ", "\n   --config FILE  read the configuration from FILE [$TLSKEEPER_CONFIG]\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestHelpOfAFlag(t *testing.T) {
	text := cmdline.HelpText("t x", &cli.Command{ArgsUsage: "{{ONE}}", Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Usage: "answer as `FORMAT`", Value: "table"},
		&cli.IntFlag{Name: "limit", Usage: "the first `N`"},
		&cli.StringFlag{Name: "plain", Usage: "a value"},
		&cli.BoolFlag{Name: "hidden", Hidden: true},
		&cli.StringFlag{Name: "that-is-longer-than-most", Usage: "on `SOMETHING` or other"},
	}}, false)
	for _, want := range []string{
		"   -f, --format FORMAT  answer as FORMAT (default: table)\n", "   --limit N            the first N\n", "   --plain VALUE        a value\n",
		"   --that-is-longer-than-most SOMETHING\n                        on SOMETHING or other\n", "t x [flags] {{ONE}}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hidden") {
		t.Error(text)
	}
}
