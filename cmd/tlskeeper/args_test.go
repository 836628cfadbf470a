package main

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

func TestNormalize(t *testing.T) {
	tool := &cli.App{Flags: globalFlags(), Commands: []*cli.Command{
		{Name: "scan", Flags: []cli.Flag{&cli.StringFlag{Name: "sni"}, &cli.BoolFlag{Name: "fast", Aliases: []string{"f"}}}},
		{Name: "apache", Subcommands: []*cli.Command{{Name: "plan", Flags: []cli.Flag{&cli.StringFlag{Name: "profile"}}}}},
		{Name: "certonly", Flags: []cli.Flag{&cli.StringSliceFlag{Name: "d"}}},
	}}
	for in, want := range map[string]string{
		"t scan h:443 --sni x":              "t scan --sni x -- h:443",
		"t scan h:443 --sni=x --json":       "t --json scan --sni=x -- h:443",
		"t --root /r scan -f h:443":         "t --root /r scan -f -- h:443",
		"t apache plan -v --profile modern": "t -v apache plan --profile modern",
		"t apache --config f plan":          "t --config f apache plan",
		"t scan -- --sni":                   "t scan -- --sni",
		"t certonly -d a -d b":              "t certonly -d a -d b",
		"t scan scan":                       "t scan -- scan",
		"t scan --sni":                      "t scan --sni",
		"t scan h:443 --sni":                "t scan --sni",
		"t scan h:443 --root":               "t --root",
		"t scan --unknown h:443":            "t scan --unknown -- h:443",
		"t nonsense --json":                 "t --json -- nonsense",
		"t scan --generate-bash-completion": "t scan --generate-bash-completion",
		"t help apache plan":                "t apache plan --help",
		"t help":                            "t --help",
		"t version":                         "t --version",
		"t":                                 "t",
	} {
		got := strings.Join(cmdline.Normalize(tool, strings.Fields(in)), " ")
		if got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestArgumentThatLooksLikeAFlag(t *testing.T) {
	tool := &cli.App{Commands: []*cli.Command{{Name: "query"}}}
	got := cmdline.Normalize(tool, []string{"t", "query", "-- comment\nSELECT 1"})
	if len(got) != 4 || got[3] != "-- comment\nSELECT 1" {
		t.Errorf("got %q", got)
	}
}
