package renewal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tlskeeper/acme"
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

func (r *run) decide(ctx context.Context, q acme.Request) Outcome {
	out := Outcome{Name: q.Name}
	cert, err := r.store.Certificate(q.Name)
	if err != nil {
		out.Action, out.fault = ActionKeep, err
		return out
	}
	if cert.Latest.Number == 0 {
		out.Action, out.Reason = ActionIssue, "never issued"
		return out
	}
	if cert.Served.Number == 0 {
		out.Action, out.Reason = ActionRenew, "the generation that was rolled back to cannot be read"
		return out
	}
	due := r.due(ctx, cert)
	out.note(cert, due.At)
	out.Action, out.Reason = ActionRenew, r.reason(q, cert, due)
	if out.Reason == "" {
		out.Action, out.Reason = ActionKeep, fmt.Sprintf("renewal on %s (%s)", due.At.UTC().Format(time.RFC3339), due.Reason)
	}
	return out
}

func (o *Outcome) note(c acme.Certificate, renewAt time.Time) {
	o.Generation, o.Serial, o.NotAfter = c.Served.Number, c.Served.Serial(), c.Served.Leaf.NotAfter
	o.RenewAt, o.Deployed = renewAt, c.Deployed()
}

// due asks the CA where it is time to; a dry run decides by what is known. A
// CA that does not answer is no reason not to renew.
func (r *run) due(ctx context.Context, c acme.Certificate) acme.Decision {
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
func (r *run) reason(q acme.Request, c acme.Certificate, due acme.Decision) string {
	switch {
	case r.Force:
		return "forced"
	case c.Revoked():
		return "revoked"
	case r.Client != nil && !r.Client.Knows(c.Latest.Meta.Directory):
		return "issued by a CA that is not configured any more"
	case !matches(q, c.Latest):
		return "names or key type changed"
	case due.Due:
		return "due since " + due.At.UTC().Format(time.RFC3339) + " (" + due.Reason + ")"
	}
	return ""
}

// matches tells whether a generation is still what is asked for. What is in a
// user's CSR decides by itself.
func matches(q acme.Request, g acme.Generation) bool {
	if q.CSRFile != "" {
		return true
	}
	names, err := acme.Names(q.Names)
	if err != nil {
		return false
	}
	kind := q.KeyType
	if kind == "" {
		kind = acme.DefaultKeyType
	}
	slices.Sort(names)
	return slices.Equal(names, slices.Sorted(slices.Values(g.Meta.Names))) && string(kind) == g.Meta.KeyType
}

// issueAll issues what is due, each by itself: one failure does not hold up
// another certificate.
func (r *run) issueAll(ctx context.Context) {
	var due []string
	for _, out := range r.report.Certificates {
		if out.Action == ActionIssue || out.Action == ActionRenew {
			due = append(due, out.Name)
		}
	}
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

func (r *run) issue(ctx context.Context, name string) {
	out := r.outcome(name)
	g, err := r.Client.Issue(ctx, *r.requestOf(name), r.issueOptions(name))
	if backoff, ok := errors.AsType[*acme.BackoffError](err); ok && backoff.Cause == nil && !r.Attended {
		out.Action, out.Reason = ActionWait, backoff.Error()
		r.Log.Warn("waiting before the next try", "certificate", name, "err", backoff)
		return
	}
	if err != nil {
		r.fail(name, err)
		return
	}
	out.Issued, out.Deployed = true, false
	out.Generation, out.Serial, out.NotAfter = g.Number, g.Serial(), g.Leaf.NotAfter
	ari, err := r.Client.RenewalInfo(ctx, g) // now, so that a window moved later is known as moved
	if err != nil {
		r.Log.Warn("no renewal information", "certificate", name, "err", err)
	}
	out.RenewAt = acme.Due(g.Leaf, time.Now(), ari).At
}

// issueOptions say what is known of a certificate that is due. One that the
// user went back to is not let expire for the newer one that he left, which
// the guard counts.
func (r *run) issueOptions(name string) acme.IssueOptions {
	o := acme.IssueOptions{Force: r.Force, Attended: r.Attended}
	cert, err := r.store.Certificate(name)
	if err != nil || cert.Latest.Number == 0 {
		return o
	}
	o.Replaces = acme.CertID(cert.Latest.Leaf)
	moved := func() bool { return cert.State.ARI != nil && cert.State.ARI.Urgent(cert.Served.Leaf, time.Now()) }
	o.Urgent = cert.WentBack() || cert.Revoked() || moved()
	return o
}
