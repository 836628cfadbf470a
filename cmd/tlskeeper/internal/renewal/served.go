package renewal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/status"
	"tlskeeper/internal/child"
	"tlskeeper/internal/flock"
)

// heal undoes a change of the server that was cut off, before the server is
// needed to answer a challenge. What cannot be undone holds nothing up:
// other ways of proof may still work.
func (r *run) heal(ctx context.Context) {
	if r.Deploy.Heal == nil {
		return
	}
	healed, err := r.Deploy.Heal(ctx)
	if _, held := errors.AsType[*flock.HeldError](err); held {
		r.Log.Warn("the server is being changed by another run", "err", err)
		return
	}
	if err != nil {
		r.failed = append(r.failed, err)
	}
	if healed {
		r.Log.Warn("a change of the server that was cut off is undone")
	}
}

// sorted is what there is to do about the server, and what is done.
type sorted struct {
	pending   []store.Generation // to be served
	deployed  []store.Generation // seen being served before
	elsewhere []store.Generation // to be handed over to the hook: their keys are not here
}

// sort leaves out what was handed over before.
func (r *run) sort(list []store.Certificate) sorted {
	var s sorted
	for _, c := range list {
		if c.Latest.Number == 0 || !r.wanted(c.Name) {
			continue
		}
		switch done := c.Served.Number == c.State.Deployed; {
		case c.Served.Number == 0:
			r.Log.Warn("what is served cannot be read", "certificate", c.Name, "generation", c.State.Deployed)
		case c.Served.Meta.KeyElsewhere && !done:
			s.elsewhere = append(s.elsewhere, c.Served)
		case c.Served.Meta.KeyElsewhere:
		case done:
			s.deployed = append(s.deployed, c.Served)
		case c.WantsDeploy():
			s.pending = append(s.pending, c.Served)
		}
	}
	return s
}

func markedLost(list []store.Certificate) map[string]bool {
	out := map[string]bool{}
	for _, c := range list {
		out[c.Name] = !c.State.LostAt.IsZero()
	}
	return out
}

func byName(list []store.Generation) map[string]bool {
	out := map[string]bool{}
	for _, g := range list {
		out[g.Name] = true
	}
	return out
}

// lost shakes hands again for what was served once: a server can be dead, or
// have been changed by hand, without a renewal. What the last run marked as lost
// stays so until that is noted, also where the server shows it again.
func (r *run) lost(ctx context.Context, deployed []store.Generation, marked map[string]bool) []store.Generation {
	usable, _ := withKeys(deployed)
	if len(usable) == 0 {
		return nil
	}
	unserved, err := r.served(ctx, usable)
	if ctx.Err() != nil {
		return nil
	}
	var lost []store.Generation
	for _, g := range usable {
		missed := err != nil || unserved[g.Name] != nil
		if missed {
			r.Log.Warn("a certificate is not served any more, deploying it again", "certificate", g.Name, "generation", g.Number)
		}
		if missed || marked[g.Name] {
			lost = append(lost, g)
		}
	}
	return lost
}

// served asks the server, and remembers when there was nobody to ask.
func (r *run) served(ctx context.Context, generations []store.Generation) (map[string]error, error) {
	unserved, err := r.Deploy.Served(ctx, generations)
	if ctx.Err() == nil {
		r.looked, r.found = true, child.Terse(err)
	}
	return unserved, err
}

// serverTrouble is what was found, or what the run before found.
func (r *run) serverTrouble() string {
	if r.looked {
		return r.found
	}
	former, _ := status.Read(status.StatePath(r.Dir))
	return former.Server
}

// Confirm looks at what is being served by now, and publishes it: after an
// adoption, an apply, a rollback or an uninstallation by hand. It deploys
// nothing.
func Confirm(ctx context.Context, cfg Config) error {
	r := newRun(cfg, Options{})
	if _, err := os.Stat(r.Dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return r.locked(ctx, func() error {
		list, err := r.store.List()
		if err != nil && len(list) == 0 {
			return err
		}
		s := r.sort(list)
		return errors.Join(err, r.confirm(ctx, s.pending, s.deployed), r.publish())
	})
}

func (r *run) confirm(ctx context.Context, pending, deployed []store.Generation) error {
	waiting, _ := withKeys(pending)
	usable, _ := withKeys(deployed)
	if len(waiting)+len(usable) == 0 {
		return nil
	}
	unserved, err := r.served(ctx, append(waiting, usable...))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	failed := []error{err}
	for _, g := range waiting {
		if err == nil && unserved[g.Name] == nil && r.Hooks.deploy(ctx, g) == nil {
			failed = append(failed, r.noteServed(g, nil))
		}
	}
	for _, g := range usable {
		fault := unserved[g.Name]
		if err != nil {
			fault = err
		}
		if fault == nil {
			failed = append(failed, r.store.MarkDeployed(g.Name, g.Number, time.Now()))
			continue
		}
		why := fmt.Sprintf("not deployed any more: %s", child.Terse(fault))
		failed = append(failed, r.store.MarkNotDeployed(g.Name, g.Number, why, time.Now()))
	}
	return errors.Join(failed...)
}
