package check

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// Upgraded finds programs and libraries that the running Apache has loaded and
// that were replaced on disk since: a reload keeps the old code, and loads new
// modules into it. Source: proc_pid_maps(5).
func Upgraded(s *httpd.Server) []conf.Finding {
	p, ok := s.Parent()
	if !ok {
		return nil
	}
	var paths []string
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID)); err == nil {
		if path, gone := strings.CutSuffix(exe, deletedMark); gone {
			paths = append(paths, path)
		}
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.PID))
	for line := range strings.Lines(string(text)) {
		path, gone := strings.CutSuffix(strings.TrimSuffix(line, "\n"), deletedMark)
		slash := strings.IndexByte(path, '/')
		if gone && slash >= 0 && strings.Contains(path, ".so") && !slices.Contains(paths, path[slash:]) {
			paths = append(paths, path[slash:])
		}
	}
	var out []conf.Finding
	for _, path := range paths {
		out = append(out, conf.Finding{Code: "upgraded", File: path, What: "was replaced since Apache was started, which still runs the old one",
			Fix: strings.Join(s.StopArgv(), " ") + "; " + strings.Join(s.StartArgv(), " ")})
	}
	return out
}

// deletedMark is how the kernel names a file that is mapped and has no name
// any more.
const deletedMark = " (deleted)"
