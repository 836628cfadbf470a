package apacheconf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
	"tlskeeper/apacheconf/proof"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/filechange"
	"tlskeeper/internal/flock"
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

// Result is what an apply did.
type Result struct {
	Changed   bool      `json:"changed"`   // files, or what Apache has loaded of them
	Healed    bool      `json:"healed"`    // a change that was cut off was undone first
	Restarted bool      `json:"restarted"` // stop and start instead of a reload
	Files     []string  `json:"files"`
	Proved    int       `json:"proved"`   // handshakes with the live server that showed what was planned
	Warnings  []Finding `json:"warnings"` // of the plan
	Missing   []Finding `json:"missing"`  // certificates that no virtual host serves
}

// Serving are those of these certificates that every one of their virtual
// hosts serves now.
func (r *Result) Serving(generations map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(generations)) {
		if !slices.ContainsFunc(r.Missing, func(f Finding) bool { return f.Certificate == name }) {
			out = append(out, name)
		}
	}
	return out
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

// Apply makes a plan true: it proves it on a shadow Apache, writes, reloads,
// and shakes hands with the live server. What does not hold is undone.
// Applying what is already true touches nothing; what is on disk and was never
// loaded, is loaded.
//
// It returns *flock.HeldError when another run is at it, *RefusedError when
// nothing was touched, and *RolledBackError when the change was made, did not
// hold and was undone.
func (s *Server) Apply(ctx context.Context, p *Plan) (*Result, error) {
	return s.locked(ctx, func(healed bool) (*Result, error) {
		fresh, now, err := s.replan(ctx, p)
		if err != nil {
			return nil, err
		}
		if !healed && fresh.Diff() != p.Diff() {
			return nil, hint.Wrap(&RefusedError{Why: "the files changed after the plan was made"}, "plan again")
		}
		r, err := now.carryOut(ctx, fresh)
		if r != nil {
			r.Healed = healed
		}
		return r, err
	})
}

// locked runs do with the lock held and a cut-off change undone.
func (s *Server) locked(ctx context.Context, do func(healed bool) (*Result, error)) (*Result, error) {
	if err := makeState(s.Config); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	lock, err := flock.Acquire(ctx, lockPath(s.Config), lockWait)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	healed, err := heal(ctx, s.Config)
	if err != nil {
		return nil, err
	}
	return do(healed)
}

// replan reads everything again under the lock.
func (s *Server) replan(ctx context.Context, p *Plan) (*Plan, *Server, error) {
	now, err := Discover(ctx, s.Config)
	if err != nil {
		return nil, nil, err
	}
	now.hooks = s.hooks
	fresh, err := plan.MakeWith(ctx, now.Server, p.Change, p.Profile)
	return fresh, now, err
}

// carryOut applies a plan made under the lock.
func (s *Server) carryOut(ctx context.Context, p *Plan) (*Result, error) {
	r := &Result{Warnings: p.Warnings, Missing: p.Missing}
	if p.Empty() && p.Force {
		return r, nil // a person has undone it already
	}
	if len(p.Blocked) > 0 {
		return nil, p.Refused()
	}
	if p.Empty() {
		return s.loadOnDisk(ctx, p, r)
	}
	if err := s.Startable(); err != nil {
		return nil, err
	}
	t := &transaction{s: s, p: p}
	if err := t.prove(ctx); err != nil {
		return nil, err
	}
	if err := t.journal.write(s.Config); err != nil {
		return nil, err
	}
	s.hooks.at("journal")
	if err := t.install(ctx); err != nil {
		return nil, t.undo(ctx, err)
	}
	if err := commit(s.Config, t.journal); err != nil {
		return nil, t.undo(ctx, err)
	}
	r.Changed, r.Restarted, r.Proved = true, p.Restart, t.after.Questions()
	for _, f := range p.Files {
		if !f.Internal {
			r.Files = append(r.Files, f.Path)
		}
	}
	return r, nil
}

// transaction is one change from its proof to its commit.
type transaction struct {
	s       *Server
	p       *Plan
	journal journal
	before  proof.Expectation // what the live server showed when it began
	after   proof.Expectation // what it must show
	loading bool              // Apache was asked to read the new files
}

// install writes, reloads and waits until the wire shows what was proved.
func (t *transaction) install(ctx context.Context) error {
	if slices.ContainsFunc(t.p.Files, func(f filechange.Change) bool { return f.Path == plan.GlobalPath(t.s.Server) && f.New != nil }) {
		t.s.makeLog()
	}
	for _, f := range t.p.Files {
		if err := filechange.Put(f.Path, f.New); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
		t.s.hooks.at("write " + f.Path)
	}
	t.s.relabel(ctx, t.p.Files)
	if err := t.s.sameAsPlanned(ctx, t.p.Planned); err != nil {
		return err
	}
	if err := t.load(ctx); err != nil {
		return err
	}
	t.s.hooks.at("loaded")
	if err := t.s.hold(ctx, t.after); err != nil {
		return err
	}
	t.s.rememberProcess()
	t.s.hooks.at("proved")
	return nil
}

func (t *transaction) load(ctx context.Context) error {
	t.loading = true
	if !t.p.Restart {
		return t.s.Reload(ctx)
	}
	if err := t.s.Stop(ctx); err != nil {
		return err
	}
	t.s.hooks.at("stopped")
	return t.s.Start(ctx)
}

const errSettled = httpd.Final("the new workers serve something else than was proved")

// hold waits until the live server shows exactly what e wants. Old workers may
// still answer for a moment after a reload.
func (s *Server) hold(ctx context.Context, e proof.Expectation) error {
	var leaves time.Time // since when the certificates are right
	return httpd.Poll(ctx, httpd.HoldTimeout, func() (bool, error) {
		diffs := e.Differences(ctx)
		if len(diffs) > 0 {
			leaves = time.Time{}
		} else if leaves.IsZero() {
			leaves = time.Now()
		}
		if _, ok := s.Parent(); !ok {
			return false, httpd.ErrDied
		}
		if len(diffs) == 0 {
			diffs = e.PolicyDifferences(ctx)
		}
		switch {
		case len(diffs) == 0:
			return true, nil
		case !leaves.IsZero() && time.Since(leaves) > policyTimeout && diffs[0].Code != proof.CodeUnproven:
			return false, fmt.Errorf("%w: %s", errSettled, diffs[0])
		}
		return false, errors.New(diffs[0].String())
	})
}

// rememberProcess notes which Apache has loaded our change. It serves one rule
// and is not worth a failure.
func (s *Server) rememberProcess() {
	if p, ok := s.Parent(); ok {
		if err := durable.WriteFile(plan.PidPath(s.Config), []byte(strconv.Itoa(p.PID)+"\n"), 0o600); err != nil {
			s.Config.Logger().Warn("noting the process of apache failed", "err", err)
		}
	}
}

// undo restores the files and brings the live server back to what it showed
// before. It does not end with the caller's context: an interrupted apply must
// still leave a healthy server.
func (t *transaction) undo(ctx context.Context, cause error) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*httpd.ReloadTimeout)
	defer cancel()
	back := &RolledBackError{Cause: cause}
	back.Trouble = t.back(ctx)
	back.Healthy = back.Trouble == nil
	back.Took = time.Since(began)
	if back.Healthy {
		back.Trouble = durable.Remove(journalPath(t.s.Config))
	}
	return back
}

func (t *transaction) back(ctx context.Context) error {
	if err := t.journal.restore(t.s.Config.Logger()); err != nil {
		return err
	}
	t.s.relabel(ctx, t.p.Files)
	if t.loading {
		if err := t.s.bringBack(ctx); err != nil {
			return err
		}
	}
	return t.s.hold(ctx, t.before)
}

// RolledBackError says that the change was made, did not hold, and was undone.
// It does not unwrap to its cause: what was refused or interrupted on the way
// would be taken for a change that never began.
type RolledBackError struct {
	Cause   error
	Healthy bool          // the old state is proved on the wire again
	Trouble error         // what went wrong in undoing, nil when Healthy
	Took    time.Duration // from noticing the fault to the old state being proved
}

func (e *RolledBackError) Error() string {
	if e.Healthy {
		return fmt.Sprintf("applied, did not hold, rolled back in %v: %v", e.Took.Round(time.Millisecond), e.Cause)
	}
	return fmt.Sprintf("applied, did not hold (%v), and the rollback is not proved: %v", e.Cause, e.Trouble)
}

func notRunning(s *httpd.Server) error {
	return hint.Wrap(&RefusedError{Why: "Apache is not running",
		Findings: []Finding{{Code: "not-running", File: s.PidFile, What: "no live process behind this PidFile"}}},
		"start it first: "+strings.Join(s.StartArgv(), " "))
}
