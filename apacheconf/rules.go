package apacheconf

import (
	"fmt"
	"slices"
)

// rules compare old and new for what no shadow can see: it starts fresh, the
// live server does not.
func (p *planner) rules() {
	restart := p.cacheRules()
	p.plan.Restart = len(restart) > 0
	if !p.c.AllowRestart {
		for _, f := range restart {
			p.block(f)
		}
	}
	p.firstHostRule()
}

// cacheRules: see cacheFaults.
func (p *planner) cacheRules() []Finding {
	if p.s.Has("ssl_module") && p.plan.modules != nil && !hasModule(p.plan.modules, "ssl_module") {
		return nil // the pointer goes with the module
	}
	return p.s.cacheFaults(p.was, p.overlay.conf)
}

// since tells whether the running Apache is the one that the manifest's change
// was loaded into: then what it had loaded is still in its memory.
func (s *Server) since(m manifest) bool {
	now, ok := s.parent()
	return ok && len(m.Files) > 0 && now.pid == pidOf(s.cfg)
}

// firstHostRule: the first virtual host of an address answers for unknown
// names and its groups rule all others (openssl#1652). Ours must not become it.
func (p *planner) firstHostRule() {
	old, next := firstHosts(p.s.VHosts), firstHosts(p.s.vhostsOf(p.overlay.conf))
	for _, address := range sortedKeys(old) {
		if n, ok := next[address]; ok && n.File != old[address].File && !p.c.Remove {
			p.block(Finding{Code: "first-host", File: n.File, Line: n.Line, VHost: n.Name(), Fix: p.firstHostFix(n, old[address]),
				What: fmt.Sprintf("would become the first virtual host of %s, which is %s", address, old[address].Name())})
		}
	}
}

func firstHosts(hosts []VHost) map[string]VHost {
	out := map[string]VHost{}
	for _, v := range hosts {
		for _, a := range v.Addresses {
			if a = canonical(a); out[a].node == nil {
				out[a] = v
			}
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
