package check

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"tlskeeper/apacheconf/conf"
)

// firstHostRule: the first virtual host of an address answers for unknown
// names and its groups rule all others (openssl#1652). Ours must not become it.
func (p *planned) firstHostRule() {
	old, next := conf.FirstHosts(p.Server.VHosts), conf.FirstHosts(p.hosts())
	for _, address := range slices.Sorted(maps.Keys(old)) {
		if n, ok := next[address]; ok && n.File != old[address].File {
			p.block(conf.Finding{Code: "first-host", File: n.File, Line: n.Line, VHost: n.Name(), Fix: p.firstHostFix(n, old[address]),
				What: fmt.Sprintf("would become the first virtual host of %s, which is %s", address, old[address].Name())})
		}
	}
}

// firstHostFix is the way out where no name of our file is late enough.
func (p *planned) firstHostFix(ours, first conf.VHost) string {
	at, read := p.Server.Slot(ours.File)
	if !slices.Contains(p.Ours, ours.File) || !read {
		return "" // not our host
	}
	if filepath.Dir(first.Node.UseFile) == filepath.Dir(ours.File) {
		return fmt.Sprintf("rename %s so that it comes before %s", first.Node.UseFile, filepath.Base(ours.File))
	}
	include := at[len(at)-2]
	return fmt.Sprintf("move the Include of %s:%d to where it is read after %s:%d", include.File, include.Line, first.Node.UseFile, first.Node.UseLine)
}
