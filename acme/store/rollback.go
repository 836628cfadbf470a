package store

import (
	"slices"
	"time"

	"tlskeeper/acme/schedule"
)

// MarkRolledBack notes that the user went back to a former generation, which
// is being served: the one they left is not deployed again.
func (s *Store) MarkRolledBack(name string, to, from int, at time.Time) error {
	return s.Change(name, func(st *State) {
		st.Deployed, st.DeployedAt, st.LostAt = to, at.UTC(), time.Time{}
		st.Held, st.HeldAt = from, at.UTC()
		st.DeployError, st.DeployErrorAt = "", time.Time{}
	})
}

// WentBack tells that the user rolled back from the newest generation.
func (c Certificate) WentBack() bool {
	return c.Latest.Number > 0 && c.State.wentBackFrom(c.Latest.Number)
}

func (st State) wentBackFrom(newest int) bool { return st.Held == newest && st.Deployed != 0 }

// Serving loads the generation that is to be served: the newest, unless the
// user rolled back from it. fs.ErrNotExist where nothing was issued.
func (s *Store) Serving(name string) (Generation, error) {
	c, err := s.Certificate(name)
	switch {
	case err != nil:
		return Generation{}, err
	case c.Latest.Number == 0:
		return s.Latest(name)
	case c.Served.Number == 0:
		return s.Generation(name, c.State.Deployed)
	}
	return c.Served, nil
}

// Due decides when the certificate is to be renewed: what is served is what
// may expire. Who went back from a renewal serves one whose time had come by
// then, and wants to keep it; so it is not renewed before time gets short, or
// the CA is about to revoke it.
func (c Certificate) Due(now time.Time, ari *schedule.ARI) schedule.Decision {
	d := schedule.Due(c.Served.Leaf, now, ari)
	if !c.WentBack() || d.At.After(c.State.HeldAt) || ari != nil && ari.Urgent(c.Served.Leaf, now) {
		return d
	}
	d.At, d.Reason = c.Served.Leaf.NotAfter.Add(-schedule.LastReserve(c.Served.Leaf)), "lifetime, after a rollback"
	d.Due = !now.Before(d.At)
	return d
}

// Revoked tells whether the generation that is to be served was revoked by us.
func (c Certificate) Revoked() bool {
	return slices.Contains(c.State.Revoked, c.Served.Number)
}
