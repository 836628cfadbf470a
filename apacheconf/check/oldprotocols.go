package check

import "tlskeeper/apacheconf/conf"

// oldProtocols: the profile is what its article was, and that is no more what a
// reader of the file would take it for.
func (p *planned) oldProtocols() {
	if global := conf.Last(p.Next, "SSLProtocol"); p.Profile == "ecdsa2016" && global != nil {
		p.warn(conf.Finding{Code: "old-protocols", File: global.File, Line: global.Line,
			What: "profile ecdsa2016 keeps TLS 1.0 and 1.1 in the file, as its article did; only OpenSSL's security level keeps them off the wire"})
	}
}
