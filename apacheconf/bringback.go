package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/proof"
)

// whyDown says why Apache does not come up with the files as they are: what we
// can find ourselves, with its place, and httpd's own words since from.
func (s *Server) whyDown(ctx context.Context, from int64, failed error) error {
	var texts []string
	for _, f := range s.presentFaults(ctx) {
		texts = append(texts, f.String())
	}
	for _, word := range s.LastWords(from) {
		texts = append(texts, "httpd says: "+word)
	}
	if len(texts) == 0 {
		return failed
	}
	return fmt.Errorf("%w\n  %s", failed, strings.Join(texts, "\n  "))
}

// presentFaults are what is broken in the configuration on disk, as far as it
// can be known without touching the live server.
func (s *Server) presentFaults(ctx context.Context) []Finding {
	if faults := check.Present(s.Server); len(faults) > 0 || !s.Has("ssl_module") {
		return faults
	}
	_, err := proof.Try(ctx, s.Server, proof.Trial{Conf: s.Conf, Modules: s.Modules})
	if dead, ok := errors.AsType[*proof.DeadError](err); ok {
		return dead.Findings
	}
	return nil
}

// bringBack makes Apache run what is on disk after an undoing. Where it cannot,
// that is no fault of the change any more: the error says so, and why.
func (s *Server) bringBack(ctx context.Context) error {
	from := s.LogEnd()
	err := s.LoadOrStart(ctx)
	if err == nil {
		return nil
	}
	if _, ok := s.Parent(); ok {
		return err
	}
	now, broken := inspect(ctx, s.Config)
	if broken != nil {
		return fmt.Errorf("%w\n  %w", err, conf.Unhinted(broken))
	}
	return now.whyDown(ctx, from, fmt.Errorf("all files are as before this change, and Apache does not start with them (%s): %w",
		strings.Join(s.StartArgv(), " "), err))
}
