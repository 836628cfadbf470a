package follow

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sibling is a file beside a log that rotation may have made of it.
type sibling struct {
	path  string
	mtime time.Time
	order int64 // larger is newer; compares within one kind only
	kind  kind
}

type kind int

const (
	byNumber kind = iota + 1 // tls.log.1, tls.log.2.gz
	byDate                   // tls.log-20261123, tls.log-20261123-1795430000.gz
	byHand                   // tls.log.old: a name that only a known file may have
)

// suffix is what logrotate (dateext, extension and its default) and rotatelogs
// put behind or into a log's name.
var suffix = regexp.MustCompile(`^[.\-_]?([0-9][0-9.\-_T]*)$`)

// siblings lists the rotated files of the log at path, oldest first. Names that
// are kept elsewhere (logrotate's olddir) are not found.
func siblings(path string) ([]sibling, error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []sibling
	for _, e := range entries {
		s, ok := sortName(base, e.Name())
		if !ok {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil || !info.Mode().IsRegular() {
			continue // gone since, or nothing that rotation makes
		}
		s.path, s.mtime = filepath.Join(dir, e.Name()), info.ModTime()
		list = append(list, s)
	}
	slices.SortStableFunc(list, older)
	// While a file is being compressed there are both, and the second is not whole.
	return slices.DeleteFunc(list, func(s sibling) bool {
		plain, packed := strings.CutSuffix(s.path, ".gz")
		return packed && slices.ContainsFunc(list, func(o sibling) bool { return o.path == plain })
	}), nil
}

// sortName tells whether name can come from rotating base, and its order.
func sortName(base, name string) (sibling, bool) {
	ext := filepath.Ext(base)
	plain := strings.TrimSuffix(name, ".gz")
	stem, isBase := strings.CutPrefix(plain, base)
	if name == base || stem == "" && plain == name {
		return sibling{}, false
	}
	if !isBase { // logrotate's extension: tls-20261123.log
		var ok bool
		if stem, ok = strings.CutPrefix(plain, strings.TrimSuffix(base, ext)); !ok || ext == "" {
			return sibling{}, false
		}
		if stem, ok = strings.CutSuffix(stem, ext); !ok {
			return sibling{}, false
		}
	}
	m := suffix.FindStringSubmatch(stem)
	if m == nil {
		return sibling{kind: byHand}, isBase
	}
	return rank(m[1]), true
}

// rank reads a number of up to four digits as a count of rotations and a
// longer one as a date, with or without a time behind it.
func rank(digits string) sibling {
	digits = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, digits)
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil:
		return sibling{kind: byHand}
	case len(digits) <= 4:
		return sibling{kind: byNumber, order: -n}
	}
	return sibling{kind: byDate, order: n}
}

// older compares by name where names tell, because a late line gives an old
// file a new time; else by time.
func older(a, b sibling) int {
	if a.kind == b.kind && a.kind != byHand {
		return cmp.Compare(a.order, b.order)
	}
	return a.mtime.Compare(b.mtime)
}

func isPacked(path string) bool { return strings.HasSuffix(path, ".gz") }
