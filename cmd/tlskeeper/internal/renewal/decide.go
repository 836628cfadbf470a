package renewal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tlskeeper/acme"
	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
)

// pollParallel bounds the questions for renewal information at once.
const pollParallel = 8

// decideAll fills the report with what is to be done, in the order of the
// configuration. The CAs are asked about several certificates at once. What
// cannot be read of one certificate is no reason to let another expire.
func (r *run) decideAll(ctx context.Context) {
	var wanted []acme.Request
	for _, q := range r.Requests {
		if r.wanted(q.Name) {
			wanted = append(wanted, q)
		}
	}
	outcomes := make([]Outcome, len(wanted))
	var group errgroup.Group
	group.SetLimit(pollParallel)
	for i, q := range wanted {
		group.Go(func() error {
			outcomes[i] = r.decide(ctx, q)
			return nil
		})
	}
	group.Wait()
	r.report.Certificates = outcomes
	for _, out := range outcomes {
		if out.fault != nil {
			r.fail(out.Name, out.fault)
		}
	}
}

// decide says what is to be done about one certificate. A request that cannot
// be ordered keeps what there is, and is told.
func (r *run) decide(ctx context.Context, q acme.Request) Outcome {
	out := Outcome{Name: q.Name, Action: ActionKeep, fault: q.Check()}
	cert, err := r.store.Certificate(q.Name)
	if err != nil {
		out.fault = err
		return out
	}
	var due schedule.Decision
	if cert.Served.Number > 0 {
		due = r.due(ctx, cert)
		out.note(cert, due.At)
	}
	if out.fault != nil {
		return out
	}
	switch {
	case cert.Latest.Number == 0:
		out.Action, out.Reason = actionIssue, "never issued"
	case cert.Served.Number == 0:
		out.Action, out.Reason = actionRenew, "the generation that was rolled back to cannot be read"
	default:
		out.Action, out.Reason = actionRenew, r.reason(q, cert, due)
	}
	if out.Reason == "" {
		out.Action, out.Reason = ActionKeep, fmt.Sprintf("renewal on %s (%s)", due.At.UTC().Format(time.RFC3339), due.Reason)
	}
	return out
}

func (o *Outcome) note(c store.Certificate, renewAt time.Time) {
	o.Generation, o.Serial, o.NotAfter = c.Served.Number, c.Served.Serial(), c.Served.Leaf.NotAfter
	o.RenewAt, o.Elsewhere = renewAt, c.Served.Meta.KeyElsewhere
	o.Deployed = c.Deployed() && !o.Elsewhere
}

// due asks the CA where it is time to; a dry run decides by what is known. A
// CA that does not answer is no reason not to renew.
func (r *run) due(ctx context.Context, c store.Certificate) schedule.Decision {
	ari := c.State.ARI
	if r.Client != nil && !r.DryRun {
		fresh, err := r.Client.RenewalInfo(ctx, c.Served)
		if err != nil {
			r.Log.Warn("no renewal information", "certificate", c.Name, "err", err)
		}
		if fresh != nil {
			ari = fresh
		}
	}
	d := c.Due(time.Now(), ari)
	if ari != nil && ari.Moved && d.Due {
		r.Log.Warn("the CA moved the renewal forward", "certificate", c.Name, "explanation", ari.ExplanationURL)
	}
	return d
}

// reason says why a certificate that exists is issued again, "" for no reason.
// Time and revocation are about what is served. Whether the configuration has
// changed is about the newest: who went back from it knew the configuration.
func (r *run) reason(q acme.Request, c store.Certificate, due schedule.Decision) string {
	switch {
	case r.Force:
		return "forced"
	case c.Revoked():
		return "revoked"
	case r.Client != nil && !r.knows(c.Latest) && !r.knows(c.Served):
		return "issued by a CA that is not configured any more"
	case !q.Matches(c.Latest):
		return "names or key changed"
	case due.Due:
		return "due since " + due.At.UTC().Format(time.RFC3339) + " (" + due.Reason + ")"
	}
	return ""
}

// knows tells whether the CA of a generation is configured.
func (r *run) knows(g store.Generation) bool {
	return r.Client.Knows(g.Meta.Directory) || slices.Contains(r.Unusable, g.Meta.Directory)
}

// issueAll issues what is due, each by itself: one failure does not hold up
// another certificate.
func (r *run) issueAll(ctx context.Context) {
	due := r.mayBegin()
	if len(due) == 0 {
		return
	}
	if err := r.Hooks.pre(ctx, due); err != nil {
		r.failed = append(r.failed, err)
		return
	}
	for _, name := range due {
		if ctx.Err() != nil {
			break
		}
		r.issue(ctx, name)
	}
	if err := r.Hooks.post(context.WithoutCancel(ctx), due); err != nil {
		r.failed = append(r.failed, err)
	}
	if ctx.Err() != nil {
		r.failed = append(r.failed, ctx.Err())
	}
}

// mayBegin lists what is due and may be asked for now: for what waits, or is
// refused by the guard, no hook has to stop anything.
func (r *run) mayBegin() []string {
	var due []string
	for _, out := range slices.Clone(r.report.Certificates) {
		if out.Action != actionIssue && out.Action != actionRenew {
			continue
		}
		if err := r.Client.MayIssue(*r.requestOf(out.Name), r.issueOptions(out.Name)); err != nil {
			r.notIssued(out.Name, err)
			continue
		}
		due = append(due, out.Name)
	}
	return due
}

// notIssued tells waiting from failing: a pause that a former run met is no
// news, unless somebody waits for the answer.
func (r *run) notIssued(name string, err error) {
	backoff, ok := errors.AsType[*acme.BackoffError](err)
	if !ok || backoff.Cause != nil || r.Attended {
		r.fail(name, err)
		return
	}
	out := r.outcome(name)
	out.Action, out.Reason = actionWait, backoff.Error()
	r.Log.Debug("waiting before the next try", "certificate", name, "err", backoff)
}

func (r *run) issue(ctx context.Context, name string) {
	g, err := r.Client.Issue(ctx, *r.requestOf(name), r.issueOptions(name))
	if err != nil {
		r.notIssued(name, err)
		return
	}
	out := r.outcome(name)
	out.Issued, out.Deployed, out.Elsewhere = true, false, g.Meta.KeyElsewhere
	out.Generation, out.Serial, out.NotAfter = g.Number, g.Serial(), g.Leaf.NotAfter
	ari, err := r.Client.RenewalInfo(ctx, g) // now, so that a window moved later is known as moved
	if err != nil {
		r.Log.Warn("no renewal information", "certificate", name, "err", err)
	}
	out.RenewAt = schedule.Due(g.Leaf, time.Now(), ari).At
}

// issueOptions say what is known of a certificate that is due. One that the
// user went back to is not let expire for the newer one that they left, which
// the guard counts.
func (r *run) issueOptions(name string) acme.IssueOptions {
	o := acme.IssueOptions{Force: r.Force, Attended: r.Attended}
	cert, err := r.store.Certificate(name)
	if err != nil || cert.Latest.Number == 0 {
		return o
	}
	o.Replaces = schedule.CertID(cert.Latest.Leaf)
	moved := func() bool { return cert.State.ARI != nil && cert.State.ARI.Urgent(cert.Served.Leaf, time.Now()) }
	o.Urgent = cert.WentBack() || cert.Revoked() || moved()
	return o
}
