package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/owner"
	"tlskeeper/internal/regular"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// Root is never SQLite's user in a directory that is not root's: what the
// database is needed for is then done by this program again, started as the
// owner of that directory (package owner). The first argument of such a process
// is ownerWord; what root hands over stands on its standard input.

// ownerWord begins the command line of a process that does root's work as the
// owner of the database's directory.
const ownerWord = "as-owner"

// handed is what root hands to that process, as JSON.
type handed struct {
	Database   string            // its absolute path
	Paths      config.Paths      // root's: the work may stand in another directory
	Agent      config.Agent      // what of this section the work needs
	CloudWatch config.CloudWatch // the same
	Question   string            // "": the command line that follows; or askState, askCosts
	Since      time.Time         `json:",omitzero"` // of askCosts
	Width      int               // of root's terminal, 0 for none
	Files      []handedFile
	Progress   int // the descriptor on which bytes read are told; 0: nobody asks
}

// handedFile is a file that root opened, or why it did not.
type handedFile struct {
	Name  string
	FD    int
	Error string `json:",omitempty"`
	Hint  string `json:",omitempty"`
}

// childError is an error that the other process has reported already.
type childError struct{ code int }

func (e *childError) Error() string { return fmt.Sprintf("the work ended with status %d", e.code) }

// besideDatabase are the ends of the names of what SQLite and the agent's lock
// put beside a database.
var besideDatabase = []string{"-wal", "-shm", "-journal", ".agent"}

// ownerOf is whose the database's directory is, where that is not whoever runs
// us. With create, a directory that is missing is made first, because the next
// moment another user could have made it.
func ownerOf(database string, create bool) (owner.Owner, error) {
	if os.Geteuid() != 0 {
		return owner.Owner{}, nil
	}
	o, err := owner.OfFile(database, besideDatabase...)
	if err == nil && create && o.IsRoot() {
		if err = durable.MkdirBase(filepath.Dir(database), 0o750); err == nil {
			o, err = owner.OfFile(database, besideDatabase...)
		}
	}
	if err != nil {
		return o, fmt.Errorf("the log database %s: %w", database, err)
	}
	return o, nil
}

// environment is what of ours the work may know: how to write, and nothing that
// could hold a secret.
func environment() []string {
	return chosen("TZ", "LANG", "LC_ALL", "TERM", "NO_COLOR", "COLUMNS")
}

// chosen are those of our variables that have one of these names. A name that
// ends in _ stands for all that begin with it.
func chosen(names ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if slices.ContainsFunc(names, func(n string) bool { return n == name || strings.HasSuffix(n, "_") && strings.HasPrefix(name, n) }) {
			env = append(env, kv)
		}
	}
	return env
}

// leave has h done by o, with the given command line, and tells how it ended.
func (a *app) leave(ctx context.Context, o owner.Owner, h handed, w owner.Work) error {
	h.Width = a.width()
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	w.Args, w.Input = append([]string{ownerWord}, w.Args...), strings.NewReader(string(text))
	stdout, stderr := &screen{to: a.stdout}, &screen{to: a.stderr}
	w.Stdout, w.Stderr = cmp.Or[io.Writer](w.Stdout, stdout), cmp.Or[io.Writer](w.Stderr, stderr)
	if w.Env == nil {
		w.Env = environment()
	}
	err = o.Run(ctx, w)
	if unwritten := cmp.Or(stdout.flush(), stderr.flush()); unwritten != nil {
		return unwritten // what the work says of it is only that its pipe broke
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return &childError{exit.ExitCode()}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if err = cmp.Or(context.Cause(ctx), err); err != nil {
		err = fmt.Errorf("working on %s as its owner, user %d: %w", h.Database, o.UID, err)
	}
	return err
}

// screen writes the words of another user's process: a terminal gets none that
// it would obey, whatever else is given the bytes as they are.
type screen struct {
	to   io.Writer
	mu   sync.Mutex // a process that is left behind may write while we end
	rest []byte     // of a line, on a terminal
	err  error      // the first of writing
}

// longLine bounds what is held until a line ends.
const longLine = 64 << 10

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	if !term.IsTerminal(s.to) {
		var n int
		n, s.err = s.to.Write(p)
		return n, s.err
	}
	s.rest = append(s.rest, p...)
	end := bytes.LastIndexByte(s.rest, '\n') + 1
	if end == 0 && len(s.rest) >= longLine {
		end = len(s.rest)
	}
	_, s.err = io.WriteString(s.to, cmdline.EscapeLines(string(s.rest[:end])))
	s.rest = append(s.rest[:0], s.rest[end:]...)
	return len(p), s.err
}

// flush ends the writing, and tells the first error of it.
func (s *screen) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.to, cmdline.EscapeLines(string(s.rest)))
	err = cmp.Or(s.err, err)
	s.rest, s.err = nil, cmp.Or(err, os.ErrClosed)
	return err
}

// config is all of root's configuration that the work needs.
func (h *handed) config(paths config.Paths) *config.Config {
	cfg := config.Default(cmp.Or(h.Paths, paths))
	cfg.Agent, cfg.CloudWatch = h.Agent, h.CloudWatch
	cfg.Agent.Database = h.Database
	return cfg
}

// takeHanded makes a process that root started as the owner of a database what
// it is to be.
func (a *app) takeHanded() error {
	if err := owner.Harmless(); err != nil {
		return cmdline.Usagef("%s is for tlskeeper itself: %v", ownerWord, err)
	}
	a.handed = &handed{}
	if err := json.NewDecoder(a.stdin).Decode(a.handed); err != nil {
		return cmdline.Usagef("%s is for tlskeeper itself: %v", ownerWord, err)
	}
	if a.handed.Question != "" {
		return nil // answerRoot says it
	}
	return a.handed.reachable()
}

// reachable is an error where a directory of root's keeps the owner of the
// database out: root would be told to try as root.
func (h *handed) reachable() error {
	dir := filepath.Dir(h.Database)
	if h.Database == "" || unix.Access(dir, unix.X_OK) != unix.EACCES {
		return nil
	}
	return hint.Wrap(&fs.PathError{Op: fmt.Sprintf("working as its owner, user %d, on", os.Getuid()), Path: h.Database, Err: fs.ErrPermission},
		"see which directory on the way lets nobody pass (namei -l "+dir+"), then chmod o+x that one")
}

// width is that of the terminal that the answer goes to, 0 for none.
func (a *app) width() int {
	if a.handed != nil {
		return a.handed.Width
	}
	return screenWidth(a.stdout)
}

// handOver opens the files at paths for another user, as far as root may
// show them to them.
func handOver(paths []string) (names []handedFile, files []*os.File) {
	for _, path := range paths {
		f, err := owner.Open(path)
		if err != nil {
			names = append(names, handedFile{Name: path, Error: regular.Cause(err).Error(), Hint: hint.Of(err)})
			continue
		}
		names = append(names, handedFile{Name: path, FD: owner.FirstFile + len(files)})
		files = append(files, f)
	}
	return names, files
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// counted gives the end of a pipe on which the other process tells how many
// bytes it read, each number on a line. stop ends the listening, whoever may
// hold that end still.
func counted(read func(n int)) (told *os.File, stop func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("watching the import: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if n, err := strconv.Atoi(lines.Text()); err == nil && n > 0 && n <= maxRead {
				read(n)
			}
		}
	}()
	return w, func() { r.Close(); <-done }, nil
}

// maxRead bounds a number that the other process tells: more is not read at once.
const maxRead = 1 << 30

// told is the other end of counted.
func (h *handed) told() func(n int) {
	if h.Progress == 0 {
		return nil
	}
	to := os.NewFile(uintptr(h.Progress), "progress")
	return func(n int) { fmt.Fprintln(to, n) }
}

// names are those of the files that root handed over, or could not open.
func (h *handed) names() []string {
	var names []string
	for _, f := range h.Files {
		names = append(names, f.Name)
	}
	return names
}

// openHanded gives the file that root opened under that name.
func (a *app) openHanded(path string) (*os.File, error) {
	for i, f := range a.handed.Files {
		switch {
		case f.Name != path:
		case f.Error != "":
			return nil, hint.Wrap(errors.New(f.Error), f.Hint)
		case f.FD > 0:
			a.handed.Files[i].FD = 0 // a file is read once
			return os.NewFile(uintptr(f.FD), path), nil
		}
	}
	return nil, errors.New("it was not handed over")
}
