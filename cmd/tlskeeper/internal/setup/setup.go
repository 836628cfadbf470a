// Package setup knows what this host must look like before tlskeeper can work:
// which directories with which modes, and a configuration file. It makes that
// (`tlskeeper setup`, once, never over anything that is there) and looks
// whether it still holds (`tlskeeper check`).
//
// It may import internal/{config,safepath,status} and the mechanisms, nothing else of this module;
// what other packages know about the host is handed to it.
package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/durable"
)

// configMode lets everyone read the configuration: it holds no secret, and
// `tlskeeper status` and `query` run as ordinary users.
const configMode fs.FileMode = 0o644

// Plan is what setup would do; a plan without steps changes nothing.
type Plan struct {
	Dirs   []Dir          `json:"directories"` // to make, parents first
	File   string         `json:"file"`        // the configuration file
	Text   string         `json:"text"`        // to write there; "" when the file is there already
	Config *config.Config `json:"-"`           // what is then in force
}

// Prepare plans a first run for these answers. An answer that makes no valid
// configuration is a *config.Error.
func Prepare(paths config.Paths, file string, answers Answers) (*Plan, error) {
	p := &Plan{File: file}
	for _, d := range directories(paths) {
		if _, err := os.Stat(d.Path); errors.Is(err, fs.ErrNotExist) {
			p.Dirs = append(p.Dirs, d)
		}
	}
	if !IsFirst(file) {
		cfg, problems := config.Problems(file, paths)
		if len(problems) > 0 {
			return nil, problems[0]
		}
		p.Config = cfg
		return p, nil
	}
	p.Text = answers.text()
	cfg, problems := config.Parse(file, p.Text, paths)
	if len(problems) > 0 {
		return nil, &config.Error{File: "answers", Msg: problems[0].Msg}
	}
	p.Config = cfg
	return p, nil
}

// IsFirst tells whether there is no configuration file yet, and so something
// to ask for.
func IsFirst(file string) bool {
	_, err := os.Lstat(file)
	return err != nil
}

// Empty tells whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Dirs) == 0 && p.Text == "" }

// Diff shows the plan, the file in the form of a unified diff.
func (p *Plan) Diff() string {
	var b strings.Builder
	for _, d := range p.Dirs {
		fmt.Fprintf(&b, "mkdir -m %04o %s\n", d.Mode, d.Path)
	}
	if p.Text == "" {
		return b.String()
	}
	fmt.Fprintf(&b, "--- /dev/null\n+++ %s\n@@ -0,0 +1,%d @@\n", p.File, strings.Count(p.Text, "\n"))
	for line := range strings.Lines(p.Text) {
		b.WriteString("+" + line)
	}
	return b.String()
}

// Apply makes the directories, then the file. What exists stays as it is, also
// if it came to be after Prepare.
func (p *Plan) Apply() error {
	for _, d := range p.Dirs {
		if err := d.make(); err != nil {
			return err
		}
	}
	if p.Text == "" {
		return nil
	}
	if _, err := os.Lstat(p.File); err == nil {
		return fmt.Errorf("writing the configuration: %s is there by now; it stays as it is", p.File)
	}
	if err := durable.WriteFile(p.File, []byte(p.Text), configMode); err != nil {
		return fmt.Errorf("writing the configuration: %v", err)
	}
	return nil
}
