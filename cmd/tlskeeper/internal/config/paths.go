package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Paths are the directories of tlskeeper.
type Paths struct {
	Etc    string // the configuration and Apache's include files
	ACME   string // keys, certificates, accounts, journal; root alone
	Apache string // records of what was changed in Apache; root alone
	Log    string // the database; the agent's user owns this one alone
	Run    string // locks
}

// PathsUnder moves all directories below root; "" and "/" leave them where the
// file system standard has them.
func PathsUnder(root string) Paths {
	if root == "" {
		root = "/"
	}
	if full, err := filepath.Abs(root); err == nil { // as typed: --root ./trial
		root = full
	}
	state := filepath.Join(root, "var/lib/tlskeeper")
	return Paths{
		Etc:    filepath.Join(root, "etc/tlskeeper"),
		ACME:   filepath.Join(state, "acme"),
		Apache: filepath.Join(state, "apache"),
		Log:    filepath.Join(state, "log"),
		Run:    filepath.Join(root, "run/tlskeeper"),
	}
}

// PathsFor is PathsUnder(root) when a root is given, and else the standard
// directories, moved to those of our unit where systemd started this process.
func PathsFor(root string) Paths {
	p := PathsUnder(root)
	if root == "" && startedBySystemd(os.Getenv, os.Getpid(), os.Getppid()) {
		p = p.underSystemd(os.Getenv)
	}
	return p
}

// ConfigFile is the file that is read when none is named.
func (p Paths) ConfigFile() string { return filepath.Join(p.Etc, "config.toml") }

// startedBySystemd tells whether this very process is a unit's. The variables
// alone prove nothing: a shell in a desktop session, or a program that a unit
// starts, inherits the directories of somebody else. SYSTEMD_EXEC_PID (systemd
// 248, see systemd.exec(5)) names the process it was meant for; before that,
// the service manager is our parent.
func startedBySystemd(env func(string) string, pid, ppid int) bool {
	if env("INVOCATION_ID") == "" {
		return false
	}
	if meant := env("SYSTEMD_EXEC_PID"); meant != "" {
		return meant == strconv.Itoa(pid)
	}
	return ppid == 1
}

// underSystemd takes CONFIGURATION_DIRECTORY, RUNTIME_DIRECTORY and
// STATE_DIRECTORY, which systemd separates by colons when there are several
// (systemd.exec(5)). A state directory named acme, apache or log stands for
// that one alone, as our agent's unit has it; any other holds all three.
func (p Paths) underSystemd(env func(string) string) Paths {
	if dir := first(env("CONFIGURATION_DIRECTORY")); dir != "" {
		p.Etc = dir
	}
	if dir := first(env("RUNTIME_DIRECTORY")); dir != "" {
		p.Run = dir
	}
	for _, dir := range strings.Split(env("STATE_DIRECTORY"), ":") {
		p.setState(dir)
	}
	return p
}

func (p *Paths) setState(dir string) {
	switch filepath.Base(dir) {
	case ".": // not set
	case "acme":
		p.ACME = dir
	case "apache":
		p.Apache = dir
	case "log":
		p.Log = dir
	default:
		p.ACME, p.Apache, p.Log = filepath.Join(dir, "acme"), filepath.Join(dir, "apache"), filepath.Join(dir, "log")
	}
}

func first(list string) string {
	dir, _, _ := strings.Cut(list, ":")
	return dir
}
