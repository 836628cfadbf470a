package renewal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/apacheconf"
	"tlskeeper/internal/child"
	"tlskeeper/internal/hint"
)

// Deployer is the server that serves the certificates. Apache returns the real
// one.
type Deployer struct {
	// Activate makes the server use these generations (certificate name to
	// directory), with one reload for all.
	Activate func(ctx context.Context, generations map[string]string) error
	// Served shakes hands, and returns for each certificate that is not shown
	// to every client that should see it what is wrong.
	Served func(ctx context.Context, generations []store.Generation) (map[string]error, error)
	// Active tells which generation the server's configuration names.
	Active func() (map[string]string, error)
	// Heal undoes a change of the server that was cut off, and tells whether
	// there was one.
	Heal func(context.Context) (bool, error)
	// Release makes the server's configuration let go of a certificate, and
	// refuses where something uses it.
	Release func(ctx context.Context, name string) error
}

// deployAll activates every generation that is not served yet, or not any more,
// also those of former runs, and calls deployed what a handshake has shown and
// whose hook has succeeded.
func (r *run) deployAll(ctx context.Context) error {
	list, err := r.store.List() // what cannot be read was reported when it was decided about
	if err != nil && len(list) == 0 {
		return err
	}
	if ctx.Err() != nil || r.Deploy.Activate == nil {
		return nil
	}
	s := r.sort(list)
	pending := append(s.pending, r.lost(ctx, s.deployed, markedLost(list))...)
	wanted, strays := r.split(pending)
	why := r.deploy(ctx, wanted)
	maps.Copy(why, r.deploy(ctx, strays))
	if ctx.Err() != nil && len(pending) > 0 {
		return fmt.Errorf("deploying: %w", ctx.Err())
	}
	former := byName(s.deployed)
	for _, g := range append(pending, s.elsewhere...) {
		err := why[g.Name]
		if err == nil && !former[g.Name] { // the hook of others has succeeded already
			err = r.Hooks.deploy(ctx, g)
		}
		if err = r.noteServed(g, err); err != nil {
			why[g.Name] = err
		}
	}
	r.tellStrays(why)
	if len(why) == 0 {
		return nil
	}
	return hint.Wrap(&NotDeployedError{why}, adviceOf(why))
}

// split keeps what the configuration does not have apart: what is wrong with
// such a one, which may have expired long ago, holds up nothing.
func (r *run) split(pending []store.Generation) (wanted, strays []store.Generation) {
	for _, g := range pending {
		if r.requestOf(g.Name) == nil {
			strays = append(strays, g)
			continue
		}
		wanted = append(wanted, g)
	}
	return wanted, strays
}

// tellStrays takes out of the failures what the configuration does not have:
// it is for nobody to be served, and is only told.
func (r *run) tellStrays(why map[string]error) {
	for name, err := range why {
		if r.requestOf(name) != nil {
			continue
		}
		delete(why, name)
		r.Log.Info("a certificate that is not in the configuration is not served", "certificate", name, "err", err)
		if cert, err := r.store.Certificate(name); err == nil {
			out := r.outcome(name)
			out.Action, out.Reason = ActionKeep, "not in the configuration"
			out.note(cert, time.Time{})
		}
	}
}

// deploy returns what is wrong with each generation that is not served.
func (r *run) deploy(ctx context.Context, pending []store.Generation) map[string]error {
	usable, why := withKeys(pending)
	if len(usable) == 0 {
		return why
	}
	refused := r.activate(ctx, usable, r.activateOnce(ctx, usable))
	maps.Copy(why, refused)
	active := slices.DeleteFunc(usable, func(g store.Generation) bool { return refused[g.Name] != nil })
	if len(active) == 0 {
		return why
	}
	unserved, err := r.served(ctx, active)
	for _, g := range active {
		if fault := errors.Join(err, unserved[g.Name]); fault != nil {
			why[g.Name] = fault
		}
	}
	return why
}

// activate finds those that the server refuses, so that one of them does not
// keep the others from being served; err is what it said to all together. What
// both halves are refused for in the same words is no fault of a certificate,
// and what was undone on the live server is not tried on it again and again.
func (r *run) activate(ctx context.Context, list []store.Generation, err error) map[string]error {
	why := map[string]error{}
	if err == nil {
		return why
	}
	_, undone := errors.AsType[*apacheconf.RolledBackError](err)
	if len(list) > 1 && !undone && ctx.Err() == nil {
		one, two := list[:len(list)/2], list[len(list)/2:]
		err1, err2 := r.activateOnce(ctx, one), r.activateOnce(ctx, two)
		if err1 == nil || err2 == nil || err1.Error() != err2.Error() {
			why = r.activate(ctx, one, err1)
			maps.Copy(why, r.activate(ctx, two, err2))
			return why
		}
	}
	for _, g := range list {
		why[g.Name] = err
	}
	return why
}

// activateOnce makes the server use these generations, with one reload.
func (r *run) activateOnce(ctx context.Context, list []store.Generation) error {
	generations := map[string]string{}
	for _, g := range list {
		generations[g.Name] = g.Dir
	}
	return r.Deploy.Activate(ctx, generations)
}

// withKeys sorts out those whose key is missing.
func withKeys(pending []store.Generation) (usable []store.Generation, why map[string]error) {
	why = map[string]error{}
	for _, g := range pending {
		if g.KeyFile() == "" {
			why[g.Name] = hint.Wrap(errors.New("its private key is missing in "+g.Dir), "`tlskeeper renew --force --cert-name "+g.Name+"` gets another one")
			continue
		}
		usable = append(usable, g)
	}
	return usable, why
}

// noteServed notes whether a generation is served, or handed over where its key is
// elsewhere, and returns what is wrong.
func (r *run) noteServed(g store.Generation, fault error) error {
	now := time.Now()
	if fault != nil {
		r.outcomeOf(g).Deployed = false
		return errors.Join(fault, r.store.MarkNotDeployed(g.Name, g.Number, "not deployed: "+child.Terse(fault), now))
	}
	if err := r.store.MarkDeployed(g.Name, g.Number, now); err != nil {
		return err
	}
	if g.Meta.KeyElsewhere {
		return nil
	}
	r.Log.Info("certificate deployed", "certificate", g.Name, "generation", g.Number, "serial", g.Serial())
	r.outcomeOf(g).Deployed = true
	return nil
}

// outcomeOf is the report's entry of a generation's certificate; one that the
// report lacks, because nothing is configured for it, is for nobody.
func (r *run) outcomeOf(g store.Generation) *Outcome {
	for i := range r.report.Certificates {
		if out := &r.report.Certificates[i]; out.Name == g.Name {
			return out
		}
	}
	return new(Outcome)
}

// adviceOf is the first hint among the reasons.
func adviceOf(why map[string]error) string {
	for _, name := range (&NotDeployedError{why}).names() {
		if h := hint.Of(why[name]); h != "" {
			return h
		}
	}
	return "see `tlskeeper apache status`; the next `tlskeeper renew` tries again"
}

// pruneAll removes old generations, except what the server's configuration
// names. When that cannot be read, nothing is removed.
func (r *run) pruneAll() {
	if r.Deploy.Active == nil {
		return
	}
	active, err := r.Deploy.Active()
	if err != nil {
		r.Log.Warn("old generations are kept", "err", err)
		return
	}
	for _, q := range r.Requests {
		if q.Keep <= 0 || !r.wanted(q.Name) {
			continue
		}
		spared := func(dir string) bool { return active[q.Name] == dir }
		if err := r.store.Prune(q.Name, q.Keep, spared); err != nil {
			r.Log.Warn("old generations could not be removed", "certificate", q.Name, "err", err)
		}
	}
}

// Rollback serves the generation before the one that is deployed, if it is
// still valid. The one that was left is not deployed again; the next renewal
// brings a new one.
func Rollback(ctx context.Context, cfg Config, name string) (store.Generation, error) {
	r := newRun(cfg, Options{})
	var to store.Generation
	err := r.locked(ctx, func() (err error) {
		cert, err := r.store.Certificate(name)
		if err != nil {
			return err
		}
		if to, err = r.former(cert); err != nil {
			return err
		}
		if fault := r.deploy(ctx, []store.Generation{to})[name]; fault != nil {
			return fmt.Errorf("rolling back %s to generation %d: %w", name, to.Number, fault)
		}
		return errors.Join(r.store.MarkRolledBack(name, to.Number, cert.Latest.Number, time.Now()), r.store.Link(to), r.publish())
	})
	return to, err
}

// former finds the newest generation before the one being served that can be
// gone back to.
func (r *run) former(cert store.Certificate) (store.Generation, error) {
	numbers, err := r.store.Numbers(cert.Name)
	if err != nil {
		return store.Generation{}, err
	}
	current := cert.State.Deployed
	if current == 0 {
		current = cert.Latest.Number
	}
	for _, n := range slices.Backward(numbers) {
		if n >= current || slices.Contains(cert.State.Revoked, n) {
			continue
		}
		g, err := r.store.Generation(cert.Name, n)
		if err == nil && time.Now().Before(g.Leaf.NotAfter) && g.KeyFile() != "" {
			return g, nil
		}
	}
	return store.Generation{}, hint.Wrap(fmt.Errorf("certificate %s has no earlier generation that is valid, not revoked, and with its key here", cert.Name),
		"`tlskeeper renew --force --cert-name "+cert.Name+"` gets another one")
}
