package apacheconf

import (
	"fmt"
	"maps"
	"slices"

	"tlskeeper/apacheconf/conf"
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
func (p *planner) cacheRules() []conf.Finding {
	if p.s.Has("ssl_module") && p.plan.modules != nil && !slices.Contains(p.plan.modules, "ssl_module") {
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
	old, next := conf.FirstHosts(p.s.VHosts), conf.FirstHosts(conf.Hosts(p.overlay.conf, p.s.cfg.EtcDir))
	for _, address := range slices.Sorted(maps.Keys(old)) {
		if n, ok := next[address]; ok && n.File != old[address].File && !p.c.Remove {
			p.block(conf.Finding{Code: "first-host", File: n.File, Line: n.Line, VHost: n.Name(), Fix: p.firstHostFix(n, old[address]),
				What: fmt.Sprintf("would become the first virtual host of %s, which is %s", address, old[address].Name())})
		}
	}
}
