package apacheconf

import (
	"context"
	"os/exec"
	"time"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/child"
	"tlskeeper/internal/filechange"
)

// relabel gives new files the SELinux labels of their place, where restorecon
// exists: one that was renamed into place keeps the label of its making, and
// httpd might not be allowed to read it. Without SELinux it does nothing.
func (s *Server) relabel(ctx context.Context, files []filechange.Change) {
	program, err := exec.LookPath("restorecon")
	if err != nil {
		return
	}
	argv := []string{program, "--"}
	for _, f := range files {
		if httpd.Exists(f.Path) {
			argv = append(argv, f.Path)
		}
	}
	if len(argv) == 2 {
		return
	}
	if _, err := child.Run(ctx, child.Cmd{Argv: argv, Timeout: 20 * time.Second}); err != nil {
		s.Config.Logger().Warn("setting SELinux labels failed", "err", err)
	}
}
