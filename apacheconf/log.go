package apacheconf

import (
	"fmt"
	"os"
	"path/filepath"

	"tlskeeper/apacheconf/conf"
)

// logFaults: httpd opens the log at the reload, and one whose directory is
// missing ends it (AH02297). The shadow does not write it.
func (p *planner) logFaults() {
	dir := filepath.Dir(p.s.cfg.TLSLog)
	if p.s.cfg.TLSLog == "" {
		return
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		p.block(conf.Finding{Code: "log-directory", File: dir, What: "is no directory, and Apache would not start without it",
			Fix: fmt.Sprintf("mkdir -m 0750 %s, or set [apache] tls_log", dir)})
	}
}
