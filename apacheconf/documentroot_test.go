package apacheconf

import "testing"

func TestDocumentRootOfThePlainVirtualHost(t *testing.T) {
	vhost := func(tls bool, name, root string) VHost {
		n := &node{name: "VirtualHost"}
		if root != "" {
			n.children = append(n.children, &node{name: "documentroot", args: `"` + root + `"`})
		}
		return VHost{TLS: tls, Names: []string{name}, node: n}
	}
	server := &node{name: "DocumentRoot", args: "/var/www/html"}
	tests := map[string]struct {
		s    Server
		want string
	}{
		"its own":         {Server{conf: []*node{server}, VHosts: []VHost{vhost(true, "a.org", "/tls"), vhost(false, "b.org", "/b"), vhost(false, "A.org", "/srv/a/")}}, "/srv/a"},
		"the first one's": {Server{conf: []*node{server}, VHosts: []VHost{vhost(false, "b.org", "/b"), vhost(false, "c.org", "/c")}}, "/b"},
		"the server's":    {Server{conf: []*node{server}, VHosts: []VHost{vhost(true, "a.org", "/tls")}}, "/var/www/html"},
		"inherited":       {Server{conf: []*node{server}, VHosts: []VHost{vhost(false, "a.org", "")}}, "/var/www/html"},
		"none":            {Server{}, ""},
		"not a full path": {Server{VHosts: []VHost{vhost(false, "a.org", "htdocs")}}, ""},
	}
	for name, test := range tests {
		if got := test.s.DocumentRoot("a.org"); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
