package apacheconf

import (
	"os"
	"os/user"
	"strconv"
)

// makeLog makes the TLS log before httpd does, as Debian keeps access.log:
// readable for the group adm. It is not worth a failure; httpd makes it too.
func (s *Server) makeLog() {
	f, err := os.OpenFile(s.Config.TLSLog, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return // it is there, or its directory is not
	}
	defer f.Close()
	if err := f.Chmod(0o640); err != nil {
		s.Config.Logger().Warn("setting the mode of the TLS log failed", "err", err)
	}
	group, err := user.LookupGroup("adm")
	if err != nil || os.Geteuid() != 0 {
		return
	}
	gid, err := strconv.Atoi(group.Gid)
	if err == nil {
		err = f.Chown(0, gid)
	}
	if err != nil {
		s.Config.Logger().Warn("giving the TLS log to its group failed", "err", err)
	}
}
