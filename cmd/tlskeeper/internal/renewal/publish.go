package renewal

import (
	"time"

	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
	"tlskeeper/cmd/tlskeeper/internal/status"
)

// publish writes the public state file: every certificate of the store, and
// the configured ones that were never issued.
func (r *run) publish() error {
	list, _ := r.store.List() // what cannot be read is told by the run, and by `certs`
	for _, q := range r.Requests {
		if !r.AdHoc && !contains(list, q.Name) {
			c, err := r.store.Certificate(q.Name)
			if err == nil {
				list = append(list, c)
			}
		}
	}
	state := status.State{WrittenAt: time.Now().UTC(), Server: r.serverTrouble()}
	for _, c := range list {
		state.Certificates = append(state.Certificates, Public(c))
	}
	return status.Write(status.StatePath(r.Dir), state)
}

func contains(list []store.Certificate, name string) bool {
	for _, c := range list {
		if c.Name == name {
			return true
		}
	}
	return false
}

// Public is what everybody may know about a certificate: of the generation
// that is served, where the user went back from the newest.
func Public(c store.Certificate) status.Certificate {
	p := status.Certificate{Name: c.Name, LastError: c.State.LastError, LastErrorAt: c.State.LastErrorAt,
		DeployError: c.State.DeployError, DeployErrorAt: c.State.DeployErrorAt}
	g := c.Served
	if g.Number == 0 {
		g = c.Latest
	}
	if g.Number == 0 {
		return p
	}
	p.Names, p.KeyType, p.CA, p.Serial = g.Meta.Names, g.Meta.KeyType, g.Meta.CA, g.Serial()
	p.Issuer, p.NotBefore, p.NotAfter, p.Generation = g.Leaf.Issuer.CommonName, g.Leaf.NotBefore, g.Leaf.NotAfter, g.Number
	p.Revoked, p.KeyElsewhere = c.Revoked(), g.Meta.KeyElsewhere
	p.RenewAt = schedule.Due(g.Leaf, time.Now(), c.State.ARI).At
	if c.Served.Number > 0 {
		p.RenewAt = c.Due(time.Now(), c.State.ARI).At
	}
	if c.WentBack() {
		p.Held = c.State.Held
	}
	if c.Deployed() && !p.KeyElsewhere {
		p.DeployedAt = c.State.DeployedAt
	}
	return p
}
