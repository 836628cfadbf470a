package acme

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
)

// moment is an accident in the life of an order. Runs follow each other at a
// distance of ten minutes until one succeeds.
type moment struct {
	first   bool // a certificate was issued before, which the order replaces
	plan    func(p *acmetest.Proxy)
	between func(t *testing.T, h host, p *acmetest.Proxy) // after the first run
	reuse   bool                                          // with first: at once, so that nothing has to be proven
	contact string                                        // configured after the first run
	runs    int                                           // the most that may be needed
	orders  int                                           // that the CA may have to accept, the first certificate's not counted
}

// TestHardMoments counts what the CA signs: never two for one wish.
func TestHardMoments(t *testing.T) {
	for name, m := range hardMoments() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { m.live(t) })
		})
	}
}

func hardMoments() map[string]moment {
	heal := func(_ *testing.T, _ host, p *acmetest.Proxy) { p.Heal() }
	status := func(status string) acmetest.Fault {
		return rewritten(func(order map[string]any) {
			order["status"] = status
			delete(order, "certificate")
		})
	}
	on := func(kind acmetest.Kind, times int, fault acmetest.Fault) func(*acmetest.Proxy) {
		return func(p *acmetest.Proxy) { p.On(kind, times, fault) }
	}
	return map[string]moment{
		"no accident":                        {runs: 1, orders: 1},
		"no accident, a renewal":             {first: true, runs: 1, orders: 1},
		"newOrder accepted, its answer lost": {plan: on(acmetest.NewOrder, 1, acmetest.ResetAfter), runs: 1, orders: 2},
		"newOrder's answer lost for a run":   {plan: on(acmetest.NewOrder, -1, acmetest.ResetAfter), between: heal, runs: 2, orders: 5},
		"finalize accepted, its answer lost": {plan: on(acmetest.Finalize, 1, acmetest.ResetAfter), runs: 1, orders: 1},
		"finalize's answer lost for a run":   {plan: on(acmetest.Finalize, -1, acmetest.ResetAfter), between: heal, runs: 2, orders: 1},
		"replacement's finalize answer lost": {first: true, plan: on(acmetest.Finalize, -1, acmetest.ResetAfter), between: heal, runs: 2, orders: 1},
		"replaces consumed, 409":             {first: true, plan: on(acmetest.NewOrder, 1, acmetest.Refuse(http.StatusConflict, "alreadyReplaced", "already replaced")), runs: 1, orders: 1},
		"replaces refused as malformed":      {first: true, plan: on(acmetest.NewOrder, 1, acmetest.Refuse(http.StatusBadRequest, "malformed", "unknown certID")), runs: 1, orders: 1},
		"replaces refused as another's":      {first: true, plan: on(acmetest.NewOrder, 1, acmetest.Refuse(http.StatusForbidden, "unauthorized", "not your certificate")), runs: 1, orders: 1},
		"processing for two minutes":         {plan: on(acmetest.Order, 30, status("processing")), runs: 1, orders: 1},
		"processing longer than a run":       {plan: on(acmetest.Order, -1, status("processing")), between: heal, runs: 2, orders: 1},
		"orderNotReady once":                 {plan: on(acmetest.Finalize, 1, acmetest.Refuse(http.StatusForbidden, "orderNotReady", "not yet")), runs: 1, orders: 1},
		"orderNotReady after finalize's reset": {plan: func(p *acmetest.Proxy) {
			p.On(acmetest.Finalize, 1, acmetest.ResetAfter)
			p.On(acmetest.Finalize, 1, acmetest.Refuse(http.StatusForbidden, "orderNotReady", "is valid"))
		}, runs: 1, orders: 1},
		"invalid after finalize":                   {plan: invalidAfterFinalize, between: heal, runs: 2, orders: 2},
		"ready again after finalize":               {plan: on(acmetest.Order, 3, status("ready")), runs: 1, orders: 1},
		"order expired between runs":               {plan: on(acmetest.Finalize, -1, acmetest.ResetBefore), between: days(8), runs: 3, orders: 2},
		"order forgotten between runs":             {plan: on(acmetest.Finalize, -1, acmetest.ResetBefore), between: forgotten, runs: 2, orders: 2},
		"account lost here between runs":           {plan: on(acmetest.Finalize, -1, acmetest.ResetBefore), between: accountGone, runs: 2, orders: 2},
		"account lost by the CA":                   {first: true, plan: on(acmetest.NewOrder, 1, acmetest.Refuse(http.StatusBadRequest, "accountDoesNotExist", "who?")), runs: 1, orders: 1},
		"account lost in the order":                {plan: on(acmetest.Finalize, 1, acmetest.Refuse(http.StatusBadRequest, "accountDoesNotExist", "who?")), runs: 1, orders: 1},
		"contacts changed between runs":            {plan: on(acmetest.Finalize, -1, acmetest.ResetBefore), between: heal, contact: "admin@example.org", runs: 2, orders: 1},
		"nothing to prove, finalize's answer lost": {first: true, reuse: true, plan: on(acmetest.Finalize, -1, acmetest.ResetAfter), between: heal, runs: 2, orders: 1},
		"badNonce at every call":                   {plan: badNonces, runs: 1, orders: 1},
		"badNonce at every call of a renewal":      {first: true, plan: badNonces, runs: 1, orders: 1},
	}
}

// invalidAfterFinalize is a CA that takes the CSR, and fails to issue.
func invalidAfterFinalize(p *acmetest.Proxy) {
	invalid := rewritten(func(order map[string]any) {
		order["status"] = "invalid"
		order["error"] = map[string]any{"type": "urn:ietf:params:acme:error:serverInternal", "detail": "issuance failed"}
		delete(order, "certificate")
	})
	p.On(acmetest.Finalize, 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		p.On(acmetest.Order, -1, invalid)
		acmetest.Refuse(http.StatusForbidden, "orderNotReady", "failing")(w, r, next)
	})
}

func badNonces(p *acmetest.Proxy) {
	for _, kind := range acmetest.Kinds {
		if kind != acmetest.Directory && kind != acmetest.NewNonce {
			p.On(kind, 5, acmetest.Refuse(http.StatusBadRequest, "badNonce", "stale"))
		}
	}
}

func rewritten(change func(object map[string]any)) acmetest.Fault {
	return acmetest.Changed(func(body []byte) []byte {
		var object map[string]any
		if json.Unmarshal(body, &object) != nil {
			return body
		}
		change(object)
		data, _ := json.Marshal(object)
		return data
	})
}

func days(n int) func(*testing.T, host, *acmetest.Proxy) {
	return func(_ *testing.T, _ host, p *acmetest.Proxy) {
		p.Heal()
		time.Sleep(time.Duration(n) * day)
	}
}

func forgotten(_ *testing.T, _ host, p *acmetest.Proxy) {
	p.Heal()
	p.On(acmetest.Order, 1, acmetest.Refuse(http.StatusNotFound, "malformed", "no such order"))
}

func accountGone(t *testing.T, h host, p *acmetest.Proxy) {
	p.Heal()
	if err := os.RemoveAll(filepath.Join(h.dir, "accounts")); err != nil {
		t.Fatal(err)
	}
}

func percent(all bool) int {
	if all {
		return 100
	}
	return 0
}

func (m moment) live(t *testing.T) {
	h, proxy := proxied(t, acmetest.Options{AuthzReuse: percent(m.reuse)})
	wish, options := 1, IssueOptions{}
	if m.first {
		g, err := h.client(t).Issue(t.Context(), h.request(), options)
		if err != nil {
			t.Fatal(err)
		}
		wish, options = 2, IssueOptions{Replaces: schedule.CertID(g.Leaf)}
		if m.reuse {
			options.Force = true
		} else {
			time.Sleep(2 * store.GuardPeriod)
		}
	}
	before := h.ca.Orders()
	if m.plan != nil {
		m.plan(proxy)
	}
	g, err := h.client(t).Issue(t.Context(), h.request(), options)
	for run := 1; err != nil && run < m.runs; run++ {
		if run == 1 && m.between != nil {
			m.between(t, h, proxy)
		}
		t.Logf("run %d: %v", run, err)
		time.Sleep(10 * time.Minute)
		cfg := h.config()
		if m.contact != "" {
			cfg.Contact = []string{m.contact}
		}
		c, newErr := New(cfg)
		if newErr != nil {
			t.Fatal(newErr)
		}
		g, err = c.Issue(t.Context(), h.request(), options)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := h.ca.Orders() - before; got > m.orders {
		t.Errorf("%d orders", got)
	}
	if got := h.ca.Issued(); got != wish || g.Number != wish {
		t.Errorf("the CA issued %d certificates, and we have generation %d of %d", got, g.Number, wish)
	}
	if found := litter(t, filepath.Dir(h.dir)); found != nil {
		t.Errorf("litter: %q", found)
	}
	checkModes(t, g)
	checkServed(t, h, g)
}
