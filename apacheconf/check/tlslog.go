package check

import (
	"fmt"
	"os"
	"path/filepath"

	"tlskeeper/apacheconf/conf"
)

// LogDirectory: httpd opens the log at the reload, and one whose directory is
// missing ends it (AH02297). The shadow does not write it.
func LogDirectory(tlsLog string) []conf.Finding {
	if tlsLog == "" {
		return nil
	}
	dir := filepath.Dir(tlsLog)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return []conf.Finding{{Code: "log-directory", File: dir, What: "is not a directory, and Apache would not start without it",
			Fix: fmt.Sprintf("mkdir -m 0750 %s, or set [apache] tls_log", dir)}}
	}
	return nil
}
