package safepath

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// interpreters run a script that they are given, with the letters of the options
// that take the program's text itself. Their names may end in a version.
var interpreters = map[string]string{
	"sh": "c", "bash": "c", "rbash": "c", "dash": "c", "ash": "c", "ksh": "c", "mksh": "c", "zsh": "c", "fish": "c",
	"python": "cm", "pypy": "cm", "perl": "eE", "ruby": "e", "php": "r", "node": "ep", "nodejs": "ep", "lua": "e", "tclsh": "",
}

// wrappers run the command that follows their own options and words.
var wrappers = []string{
	"busybox", "chroot", "chrt", "doas", "flock", "ionice", "nice", "nohup", "runuser", "setpriv", "setsid", "stdbuf", "strace",
	"sudo", "systemd-run", "taskset", "time", "timeout", "unshare",
}

// words are the arguments of a program, as far as they can be told apart
// without knowing it.
type words struct {
	left []string
	// unsure: the word was right behind an option, and may be its argument.
	unsure bool
	option string // before the word, "" for none
}

// next is the next word that is no option.
func (w *words) next() (word string, ok bool) {
	w.unsure, w.option = false, ""
	for len(w.left) > 0 {
		word, w.left = w.left[0], w.left[1:]
		switch {
		case word == "--":
			w.unsure = false
		case len(word) > 1 && (word[0] == '-' || word[0] == '+'):
			w.option = word
			w.unsure = strings.Trim(word[1:], "aefhnuvx") != "" // these have none in any shell (sh(1))
		default:
			return word, true
		}
	}
	return "", false
}

// script judges the file that an interpreter is given; text are the options that
// take the program's own text. What follows the script is for it, and not judged.
func script(args []string, text string) error {
	for w := (words{left: args}); ; {
		word, ok := w.next()
		if !ok || word == "-" {
			return nil
		}
		if info, err := os.Stat(word); err == nil && info.Mode().IsRegular() {
			if err := Check(word); err != nil {
				return err
			}
		}
		if !w.unsure || takesText(w.option, text) {
			return nil
		}
	}
}

// takesText: -c, or the last of letters such as -ec.
func takesText(option, text string) bool {
	return len(option) > 1 && len(option) < 6 && !strings.HasPrefix(option, "--") && strings.ContainsRune(text, rune(option[len(option)-1]))
}

// wrapped judges the command behind the options and words of a wrapper: it
// begins with the first word that is a program.
func wrapped(args []string, search string, depth int) error {
	for w := (words{left: args}); ; {
		word, ok := w.next()
		if !ok {
			return nil
		}
		if !isProgram(word, search) {
			continue // of timeout 60 or sudo -u NAME
		}
		program, err := lookIn(search, word)
		if err != nil {
			return err
		}
		if err := started(append([]string{program}, w.left...), search, depth); err != nil || !w.unsure {
			return err
		}
	}
}

func isProgram(word, search string) bool {
	if strings.Contains(word, "/") {
		_, err := exec.LookPath(word)
		return err == nil
	}
	return slices.ContainsFunc(filepath.SplitList(search), func(dir string) bool {
		_, err := exec.LookPath(filepath.Join(dir, word))
		return err == nil
	})
}
