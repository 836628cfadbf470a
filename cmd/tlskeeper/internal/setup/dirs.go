package setup

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"tlskeeper/cmd/tlskeeper/internal/config"
	"tlskeeper/internal/durable"
)

// The agent's user, and the group in which distributions let people read logs.
// The units name the same two.
const (
	agentUser = "tlskeeper"
	logGroup  = "adm"
)

// Dir is one directory and what it must be.
type Dir struct {
	Path string      `json:"path"`
	Mode fs.FileMode `json:"mode"`
	// agents marks the one directory that belongs to the agent's user. All
	// others are root's: a key must not be replaceable by the network-facing
	// service.
	agents bool
	// public marks what everybody must be able to walk through and list:
	// `status` needs no root.
	public bool
	// optional marks what is made again at each boot.
	optional bool
}

// directories lists every directory of ours, parents first. Modes are those
// that systemd/tmpfiles.d gives; a test holds the two together.
func directories(p config.Paths) []Dir {
	return []Dir{
		{Path: p.Etc, Mode: 0o755},
		{Path: filepath.Join(p.Etc, "apache"), Mode: 0o755},
		{Path: filepath.Dir(p.ACME), Mode: 0o755, public: true},
		{Path: p.ACME, Mode: 0o700},
		{Path: p.Apache, Mode: 0o700},
		{Path: p.Log, Mode: 0o750, agents: true},
		{Path: p.Run, Mode: 0o755, optional: true},
	}
}

func (d Dir) make() error {
	if err := durable.MkdirBase(d.Path, d.Mode); err != nil {
		return fmt.Errorf("making directories: %v", err)
	}
	if !d.agents || os.Geteuid() != 0 {
		return nil
	}
	uid, gid, ok := agentIDs()
	if !ok { // without our package there is no such user; the agent then runs as root
		return nil
	}
	return os.Lchown(d.Path, uid, gid)
}

// agentIDs looks the agent's user and group up.
func agentIDs() (uid, gid int, ok bool) {
	u, err := user.Lookup(agentUser)
	if err != nil {
		return 0, 0, false
	}
	g, err := user.LookupGroup(logGroup)
	if err != nil {
		return 0, 0, false
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(g.Gid)
	return uid, gid, err1 == nil && err2 == nil
}
