package apacheconf

import (
	"fmt"
	"slices"
	"strings"
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

// cacheRules: mod_ssl keeps the pointer to the cache of its last generation,
// so removing SSLSessionCache or SSLStaplingCache and reloading kills Apache
// (measured, 13 of 13; ssl_engine_config.c ssl_config_global_create).
func (p *planner) cacheRules() []Finding {
	if p.s.Has("ssl_module") && p.plan.modules != nil && !hasModule(p.plan.modules, "ssl_module") {
		return nil // the pointer goes with the module
	}
	var out []Finding
	edited, more := p.s.mayHoldMore()
	for _, c := range []struct {
		name   string
		loaded bool // known from the last apply
	}{{"SSLSessionCache", p.was.Cache}, {"SSLStaplingCache", p.was.Stapling}} {
		old, next := last(p.s.conf, c.name), last(p.overlay.conf, c.name)
		had := active(old) || c.loaded && p.s.since(p.was)
		suspect := more && !active(old)
		if !had && !suspect || active(next) {
			continue
		}
		f := Finding{Code: "cache-removal", File: p.s.ConfigFile, What: "removing " + c.name + " and reloading kills Apache; it needs stop and start", Fix: withRestart}
		if suspect {
			f.File, f.What = edited, "edited since Apache read it, and the running one seems to hold a cache that no "+c.name+" names any more: a reload would kill it"
		}
		if old != nil {
			f.File, f.Line = old.file, old.line
		}
		out = append(out, f)
	}
	return out
}

// withRestart is what to type where a reload would not do.
const withRestart = "the same again with --allow-restart, which stops and starts Apache"

func active(cache *node) bool {
	return cache != nil && !strings.EqualFold(cache.arg(0), "none")
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
