package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
)

// maxWords bounds what is read of an error log, and how many messages are
// repeated.
const (
	maxWordBytes = 64 << 10
	maxWords     = 6
)

// errorLog is the server's own error log, "" where it is none we can read.
// The default is that of httpd (core.c).
func (s *Server) errorLog() string {
	path := "logs/error_log"
	if n := conf.Last(s.conf, "ErrorLog"); n != nil {
		path = n.Arg(0)
	}
	path = conf.Abs(s.httpd.root, path)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// logEnd is where the error log ends now.
func (s *Server) logEnd() int64 {
	info, err := os.Stat(s.errorLog())
	if err != nil {
		return 0
	}
	return info.Size()
}

// bareMessage is one of the start-up messages that httpd writes without a head.
var bareMessage = regexp.MustCompile(`^(?:\(\d+\)[^:]*: )?AH\d{5}: `)

// lastWords are the messages of the error log since from that may say why
// Apache ended.
func (s *Server) lastWords(from int64) []string {
	f, err := os.Open(s.errorLog())
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, from, maxWordBytes))
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		message := strings.TrimSpace(line)
		if m := logMessage.FindStringSubmatch(message); m != nil {
			message = m[2]
		} else if !bareMessage.MatchString(message) {
			continue
		}
		code, _, _ := strings.Cut(message, ":")
		if !slices.Contains(noise, code) && !slices.Contains(out, message) && len(out) < maxWords {
			out = append(out, message)
		}
	}
	return out
}

// whyDown says why Apache does not come up with the files as they are: what we
// can find ourselves, with its place, and httpd's own words since from.
func (s *Server) whyDown(ctx context.Context, from int64, failed error) error {
	var texts []string
	for _, f := range s.presentFaults(ctx) {
		texts = append(texts, f.String())
	}
	for _, word := range s.lastWords(from) {
		texts = append(texts, "httpd says: "+word)
	}
	if len(texts) == 0 {
		return failed
	}
	return fmt.Errorf("%w\n  %s", failed, strings.Join(texts, "\n  "))
}

// presentFaults are what is broken in the configuration on disk, as far as it
// can be known without touching the live server.
func (s *Server) presentFaults(ctx context.Context) []conf.Finding {
	if faults := s.startFaults(); len(faults) > 0 || !s.Has("ssl_module") {
		return faults
	}
	sh, err := s.startShadow(ctx, s.conf, s.Modules)
	if failed := (*shadowError)(nil); errors.As(err, &failed) {
		return failed.findings
	}
	if err == nil {
		sh.stop(s.cfg.log())
	}
	return nil
}

// bringBack makes Apache run what is on disk after an undoing. Where it cannot,
// that is no fault of the change any more: the error says so, and why.
func (s *Server) bringBack(ctx context.Context) error {
	from := s.logEnd()
	err := s.loadOrStart(ctx)
	if err == nil {
		return nil
	}
	if _, ok := s.parent(); ok {
		return err
	}
	now, broken := inspect(ctx, s.cfg)
	if broken != nil {
		return fmt.Errorf("%w\n  %w", err, conf.Unhinted(broken))
	}
	return now.whyDown(ctx, from, fmt.Errorf("all files are as before this change, and Apache does not start with them (%s): %w",
		strings.Join(s.startArgv(), " "), err))
}
