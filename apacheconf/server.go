package apacheconf

import (
	"slices"

	"tlskeeper/apacheconf/conf"
)

func (s *Server) readVHosts() {
	s.VHosts = conf.Hosts(s.conf, s.cfg.EtcDir)
}

// LiveAddrs is where this host reaches a virtual host, host:port each: what to
// dial to see what it serves.
func (s *Server) LiveAddrs(v conf.VHost) []string {
	var written, out []string
	for _, h := range s.VHosts {
		written = append(written, h.Addresses...)
	}
	x := conf.NewAddresses(s.Listen, written)
	for _, a := range v.Addresses {
		for _, d := range x.Of(a) {
			if !slices.Contains(out, d.String()) {
				out = append(out, d.String())
			}
		}
	}
	return out
}
