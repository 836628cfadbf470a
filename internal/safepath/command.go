package safepath

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxInterpreters is how deep a program may be run by another: the kernel
// follows "#!" four times, and env or a shell may come between.
const maxInterpreters = 8

// Command judges the programs that running argv starts, errors as for Check:
// argv[0], looked up on our PATH where it is a bare name; what its "#!" line
// names; and where that, or argv[0], is env, a shell, another interpreter or a
// program such as timeout, the program or script behind it. What these call in turn, what
// stands behind sh -c, and libraries are not looked into. env is the
// environment that the program will have.
//
// It returns argv with the path that was judged: that is what must be run.
func Command(argv, env []string) ([]string, error) {
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err
	}
	judged := append([]string{program}, argv[1:]...)
	return judged, started(judged, searchPath(env), maxInterpreters)
}

// started judges argv, whose first is a path, and what that runs.
func started(argv []string, search string, depth int) error {
	if err := Check(argv[0]); err != nil || depth == 0 {
		return err
	}
	if line := interpreter(argv[0]); line != nil {
		return started(append(line, argv...), search, depth-1)
	}
	name := strings.TrimRight(filepath.Base(argv[0]), "0123456789.")
	if name == "env" {
		behind, err := behindEnv(argv[1:], search)
		if err != nil || behind == nil {
			return err
		}
		return started(behind, search, depth-1)
	}
	if text, ok := interpreters[name]; ok {
		return script(argv[1:], text)
	}
	if slices.Contains(wrappers, name) {
		return wrapped(argv[1:], search, depth-1)
	}
	return nil
}

// interpreter is the "#!" line of a script: one word, or two (execve(2)).
func interpreter(path string) []string {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil // a program that we may run but not read is no script
	}
	defer f.Close()
	head := make([]byte, 256) // BINPRM_BUF_SIZE
	n, _ := f.Read(head)
	line, found := bytes.CutPrefix(head[:n], []byte("#!"))
	if !found {
		return nil
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	name, argument, _ := strings.Cut(strings.Trim(string(line), " \t"), " ")
	if argument = strings.TrimLeft(argument, " \t"); argument != "" {
		return []string{name, argument}
	}
	if name == "" {
		return nil
	}
	return []string{name}
}

// behindEnv is the command that env runs, nil where there is none (env(1)).
func behindEnv(args []string, search string) ([]string, error) {
	if len(args) > 0 {
		if split, ok := strings.CutPrefix(args[0], "-S"); ok { // "-S python3 -u", one word in a "#!" line
			args = append(strings.Fields(split), args[1:]...)
		}
	}
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case slices.Contains(envWithWord, arg):
			i++
		case strings.HasPrefix(arg, "-"):
		case strings.HasPrefix(arg, "PATH="):
			search = arg[len("PATH="):]
		case !strings.Contains(arg, "="):
			program, err := lookIn(search, arg)
			if err != nil || program == "" {
				return nil, err
			}
			return append([]string{program}, args[i+1:]...), nil
		}
	}
	return nil, nil
}

// envWithWord are the options of env that take the next word.
var envWithWord = []string{"-u", "--unset", "-C", "--chdir", "-a", "--argv0"}

// lookIn finds a program as execvp(3) will, "" where there is none. It judges
// the directories that are looked into before: in one that others may write
// there can be another program by then.
func lookIn(search, name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(search) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(found) {
			return found, nil
		}
		if err := checkIfThere(dir); err != nil {
			return "", err
		}
	}
	return "", nil
}

func searchPath(env []string) string {
	search := ""
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = value
		}
	}
	return search
}
