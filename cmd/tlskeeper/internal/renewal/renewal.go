// Package renewal is one run of `renew` or `issue`: what is due is issued,
// everything new is activated with one reload, seen being served, and only
// then called deployed. A deployment that failed is tried again by the next
// run, without a new order.
//
// It may import acme and its parts, apacheconf, internal/{safepath,status} and the
// mechanisms. It is the only place where certificates and Apache meet.
package renewal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tlskeeper/acme"
	"tlskeeper/acme/store"
	"tlskeeper/internal/durable"
	"tlskeeper/internal/flock"
	"tlskeeper/internal/hint"
)

// Config is what a run works on.
type Config struct {
	Dir      string         // of the store, its lock included
	Client   *acme.Client   // may be nil where nothing is issued (Confirm, Rollback)
	Trial    *acme.Client   // of acme.Rehearse: with it a dry run really orders; nil only decides
	Requests []acme.Request // the certificates that are wanted
	Unusable []string       // directories of CAs that are configured, and that Client lacks
	Deploy   Deployer       // the zero value deploys nothing (a trial on a staging CA)
	Hooks    Hooks
	LockWait time.Duration // how long to wait for another run
	Log      *slog.Logger
}

// Options say what is asked of one run.
type Options struct {
	Only     []string // names of certificates; empty is all
	Force    bool     // issue although nothing is due
	Attended bool     // somebody waits: our own back-off does not apply
	DryRun   bool     // decide and rehearse, and change nothing
	AdHoc    bool     // the requests are not of the configuration
}

// Report is what a run did.
type Report struct {
	Certificates []Outcome `json:"certificates"`
}

// Outcome is what became of one certificate.
type Outcome struct {
	Name       string    `json:"name"`
	Action     string    `json:"action"` // "issue", "renew", "keep" or "wait"
	Reason     string    `json:"reason"` // why, in a few words
	Generation int       `json:"generation"`
	Serial     string    `json:"serial,omitempty"`
	NotAfter   time.Time `json:"not_after,omitzero"`
	RenewAt    time.Time `json:"renew_at,omitzero"`
	Issued     bool      `json:"issued"`                  // by this run
	Deployed   bool      `json:"deployed"`                // a handshake showed it
	Elsewhere  bool      `json:"key_elsewhere,omitempty"` // there is nothing to serve here: the user keeps the key of their CSR
	Rehearsed  bool      `json:"rehearsed,omitempty"`     // a dry run got a certificate like it from the CA for trials
	Error      string    `json:"error,omitempty"`

	fault error // met while deciding
}

// The actions of an Outcome.
const (
	actionIssue = "issue"
	actionRenew = "renew"
	ActionKeep  = "keep"
	actionWait  = "wait"
)

// NotDeployedError says that certificates were issued, and are not served.
type NotDeployedError struct{ Why map[string]error } // by certificate name

func (e *NotDeployedError) Error() string {
	var lines []string
	for _, name := range e.names() {
		lines = append(lines, fmt.Sprintf("certificate %s is issued but not deployed: %v", name, e.Why[name]))
	}
	return strings.Join(lines, "\n")
}

func (e *NotDeployedError) names() []string {
	var names []string
	for name := range e.Why {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// UnknownError: no certificate of this name is configured.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("certificate %q is not configured", e.Name) }

// run is one run with its lock held.
type run struct {
	Config
	Options
	store  *store.Store
	report *Report
	failed []error
	looked bool   // at the server, and found
	found  string // that, "" for nothing wrong
}

// Run does what is due. The report is complete also beside an error.
//
// Errors to branch on: *flock.HeldError, *NotDeployedError (where nothing else
// failed), and those of acme.Client.Issue.
func Run(ctx context.Context, cfg Config, o Options) (*Report, error) {
	r := newRun(cfg, o)
	if err := r.checkRequests(); err != nil {
		return r.report, err
	}
	if o.DryRun {
		return r.report, r.dryRun(ctx)
	}
	err := r.locked(ctx, func() error {
		if err := acme.Settle(ctx, r.store); err != nil {
			r.failed = append(r.failed, err)
		}
		r.heal(ctx)
		r.decideAll(ctx)
		r.issueAll(ctx)
		err := r.deployAll(ctx)
		r.pruneAll()
		r.forgetTries()
		return errors.Join(errors.Join(r.failed...), r.outweigh(err), r.publish())
	})
	return r.report, err
}

// outweigh makes what is not deployed a mere text beside an issuance that
// failed: that one decides what the run was.
func (r *run) outweigh(undeployed error) error {
	if undeployed == nil || len(r.failed) == 0 {
		return undeployed
	}
	return hint.Wrap(errors.New(undeployed.Error()), hint.Of(undeployed))
}

// dryRun tells what a run would do, and gets every certificate from the CA for
// trials, also those that are not due: what breaks a renewal is best seen
// before it is due. It takes no lock, runs no hook and touches no Apache.
func (r *run) dryRun(ctx context.Context) error {
	r.decideAll(ctx)
	for i := range r.report.Certificates {
		out := &r.report.Certificates[i]
		if out.Error != "" || r.Trial == nil {
			continue
		}
		if _, err := r.Trial.Try(ctx, *r.requestOf(out.Name)); err != nil {
			r.fail(out.Name, err)
			continue
		}
		out.Rehearsed = true
	}
	return errors.Join(r.failed...)
}

func newRun(cfg Config, o Options) *run {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &run{Config: cfg, Options: o, store: store.Open(cfg.Dir), report: &Report{}}
}

func (r *run) locked(ctx context.Context, do func() error) error {
	if err := r.makeDirs(); err != nil {
		return fmt.Errorf("making the directory of the certificates: %w", err)
	}
	lock, err := flock.Acquire(ctx, filepath.Join(r.Dir, "lock"), r.LockWait)
	if err != nil {
		if _, held := errors.AsType[*flock.HeldError](err); held {
			err = hint.Wrap(err, "wait until the other run has ended; a lock of a dead process does not block")
		}
		return err
	}
	defer lock.Release()
	return do()
}

// makeDirs makes what `setup` would have made: the keys' directory closed, and
// the one above it, where the public state is, open.
func (r *run) makeDirs() error { return durable.MkdirBase(r.Dir, 0o700) }

// checkRequests refuses, before anything is touched, names that nothing is
// configured for, and the one certificate that somebody waits for, where it
// cannot be ordered. Among several, such a one is a failure of its own.
func (r *run) checkRequests() error {
	for _, name := range r.Only {
		if r.requestOf(name) == nil {
			return hint.Wrap(&UnknownError{name}, "`tlskeeper certs` lists them")
		}
	}
	if r.Attended && len(r.Only) == 1 {
		return r.requestOf(r.Only[0]).Check()
	}
	return nil
}

func (r *run) wanted(name string) bool {
	return len(r.Only) == 0 || slices.Contains(r.Only, name)
}

// outcome returns the report's entry, which it adds when it is missing.
func (r *run) outcome(name string) *Outcome {
	for i := range r.report.Certificates {
		if r.report.Certificates[i].Name == name {
			return &r.report.Certificates[i]
		}
	}
	r.report.Certificates = append(r.report.Certificates, Outcome{Name: name})
	return &r.report.Certificates[len(r.report.Certificates)-1]
}

// fail notes what went wrong with one certificate.
func (r *run) fail(name string, err error) {
	r.outcome(name).Error = err.Error()
	if whose := "certificate " + name; !strings.HasPrefix(err.Error(), whose) {
		err = fmt.Errorf("%s: %w", whose, err)
	}
	r.failed = append(r.failed, err)
}

// requestOf finds what is configured under a name; nil where nothing is any more.
func (r *run) requestOf(name string) *acme.Request {
	i := slices.IndexFunc(r.Requests, func(q acme.Request) bool { return q.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Requests[i]
}
