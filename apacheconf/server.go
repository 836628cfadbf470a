package apacheconf

import (
	"context"
	"errors"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
	"tlskeeper/apacheconf/proof"
	"tlskeeper/internal/hint"
)

// Server is an Apache as it was configured on disk at the time of Discover.
// Whether the running one has loaded that is another matter: see Status.
type Server struct {
	*httpd.Server
	hooks hooks
}

// hooks let tests stop at a step, or meet a fault that the shadow would have
// found; all are zero in the product.
type hooks struct {
	step  func(name string)
	blind bool // no shadow of the plan
}

func (h hooks) at(name string) {
	if h.step != nil {
		h.step(name)
	}
}

// Discover finds the Apache and reads its effective configuration by httpd's
// own dump. It changes nothing and needs no running server; a configuration
// that httpd itself cannot read is a *RefusedError that says where it breaks.
// It returns *NotInstalledError where there is no httpd.
func Discover(ctx context.Context, cfg Config) (*Server, error) {
	s, err := inspect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if s.Has("ssl_module") {
		if s.OpenSSL, err = proof.OpenSSL(ctx, s.Server); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Survey is Discover without the versions: what a look at the virtual hosts
// needs, in half the time.
func Survey(ctx context.Context, cfg Config) (*Server, error) {
	h, err := httpd.Survey(ctx, cfg)
	if err != nil {
		return nil, explainCutOff(cfg, err)
	}
	return &Server{Server: h}, nil
}

// inspect is Discover without starting anything.
func inspect(ctx context.Context, cfg Config) (*Server, error) {
	h, err := httpd.Inspect(ctx, cfg)
	if err != nil {
		return nil, explainCutOff(cfg, err)
	}
	return &Server{Server: h}, nil
}

// explainCutOff: where a change of ours was cut off, it is what broke the
// configuration, and undoing it mends that.
func explainCutOff(cfg Config, err error) error {
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.About("syntax") && CutOff(cfg) {
		return hint.Wrap(refused, "an apply was cut off here; tlskeeper apache rollback undoes it")
	}
	return err
}

// Plan works out what c would change, without writing anything. What stands in
// the way is in Blocked, not in the error; so is a present configuration with
// which Apache would not start again, which is tried on a shadow.
func (s *Server) Plan(ctx context.Context, c Change) (*Plan, error) {
	p, err := plan.Make(ctx, s.Server, c)
	if err == nil {
		p.Blocked = append(s.presentFaults(ctx), p.Blocked...)
	}
	return p, err
}
