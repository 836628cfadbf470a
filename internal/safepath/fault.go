package safepath

import (
	"fmt"
	"os/user"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fault is one thing that is open, to whom, and the command that closes it.
type fault struct {
	place place
	who   string // "everybody may write"; the place comes after it
	fix   string // "chmod o-w"; the place comes after it
	owned bool   // the owner is the fault
}

// foreign is the fault of a place's owner.
func (p place) foreign(id identity) fault {
	command := "chown"
	if p.is(unix.S_IFLNK) {
		command = "chown -h"
	}
	owner := "root"
	if id.uid != 0 {
		owner = strconv.Itoa(id.uid)
	}
	return fault{place: p, who: "user " + userName(p.uid) + " owns", fix: command + " " + owner, owned: true}
}

// tell lists what is open.
func tell(faults []fault) string {
	var said []string
	for _, f := range faults {
		said = append(said, f.who+" "+f.place.String())
	}
	return strings.Join(said, ", ")
}

func (p place) String() string {
	switch {
	case p.is(unix.S_IFLNK):
		return "the link " + p.path
	case p.is(unix.S_IFDIR):
		return "the directory " + p.path
	}
	return "the file " + p.path
}

// remedy is the line to type, as root where the owner has to change: the
// commands for all that is open, for each place in the order of the way.
func remedy(faults []fault) string {
	var commands []string
	owned, above := false, false
	for _, f := range faults {
		commands = append(commands, f.fix+" "+shellWord(f.place.path))
		owned = owned || f.owned
		above = above || f.owned && f.place.is(unix.S_IFDIR)
	}
	line := strings.Join(commands, " && ")
	switch {
	case above:
		return "move it to where nobody else may write; or, if it is right that nobody else owns these any more: " + line
	case owned:
		return "see what its owner wrote there, then: " + line
	}
	return line
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./+,:@%-]+$`)

// shellWord quotes a path for a shell: people paste hints, and the names of
// directories may be another user's choice.
func shellWord(path string) string {
	if plainWord.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return fmt.Sprintf("%s (%d)", u.Username, uid)
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return fmt.Sprintf("%s (%d)", g.Name, gid)
	}
	return strconv.Itoa(gid)
}
