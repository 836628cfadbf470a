package httpd

import (
	"testing"

	"tlskeeper/apacheconf/conf"
)

func TestDocumentRootOfThePlainVirtualHost(t *testing.T) {
	vhost := func(tls bool, name, root string) conf.VHost {
		n := &conf.Node{Name: "VirtualHost"}
		if root != "" {
			n.Children = append(n.Children, &conf.Node{Name: "documentroot", Args: `"` + root + `"`})
		}
		return conf.VHost{TLS: tls, Names: []string{name}, Node: n}
	}
	server := &conf.Node{Name: "DocumentRoot", Args: "/var/www/html"}
	tests := map[string]struct {
		s    Server
		want string
	}{
		"its own":         {Server{Conf: []*conf.Node{server}, VHosts: []conf.VHost{vhost(true, "a.org", "/tls"), vhost(false, "b.org", "/b"), vhost(false, "A.org", "/srv/a/")}}, "/srv/a"},
		"the first one's": {Server{Conf: []*conf.Node{server}, VHosts: []conf.VHost{vhost(false, "b.org", "/b"), vhost(false, "c.org", "/c")}}, "/b"},
		"the server's":    {Server{Conf: []*conf.Node{server}, VHosts: []conf.VHost{vhost(true, "a.org", "/tls")}}, "/var/www/html"},
		"inherited":       {Server{Conf: []*conf.Node{server}, VHosts: []conf.VHost{vhost(false, "a.org", "")}}, "/var/www/html"},
		"none":            {Server{}, ""},
		"not a full path": {Server{VHosts: []conf.VHost{vhost(false, "a.org", "htdocs")}}, ""},
	}
	for name, test := range tests {
		if got := test.s.DocumentRoot("a.org"); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
