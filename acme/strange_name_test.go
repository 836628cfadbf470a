package acme

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
)

// A CA that names another identifier than the ordered ones in an authorization
// would have it run through the user's DNS program.
func TestProofOfWhatWasNotOrdered(t *testing.T) {
	for name, identifier := range map[string]map[string]any{
		"a command":          {"type": "dns", "value": "../../$(touch pwn);victim"},
		"another's name":     {"type": "dns", "value": "victim.example.net"},
		"a parent":           {"type": "dns", "value": "org"},
		"an address":         {"type": "ip", "value": "192.0.2.1"},
		"another type":       {"type": "email", "value": "www.example.org"},
		"control characters": {"type": "dns", "value": "\x1b[2Jwww.example.org"},
		"nothing":            {},
	} {
		t.Run(name, func(t *testing.T) {
			checkRefused(t, func(authz map[string]any) { authz["identifier"] = identifier })
		})
	}
	t.Run("a wildcard", func(t *testing.T) {
		checkRefused(t, func(authz map[string]any) { authz["wildcard"] = true })
	})
	t.Run("one that counts as proven", func(t *testing.T) {
		checkRefused(t, func(authz map[string]any) {
			authz["status"], authz["identifier"] = "valid", map[string]any{"type": "dns", "value": "victim.example.net"}
		})
	})
}

func checkRefused(t *testing.T, change func(authz map[string]any)) {
	t.Helper()
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{Intercept: proxy.Intercept})
	proxy.On(acmetest.Authorization, -1, rewritten(change))
	mark := filepath.Join(h.webroot, "mark")
	program := filepath.Join(t.TempDir(), "dns.sh")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >>"+mark+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, way := range map[string]challenge.Way{
		"webroot": {Type: challenge.HTTP01, Webroot: h.webroot}, "dns": {Type: challenge.DNS01, Provider: "exec", Exec: program},
	} {
		r := h.request()
		r.Name, r.Challenge = name, way
		_, err := h.client(t).Issue(testContext(t), r, IssueOptions{Attended: true})
		if err == nil || !strings.Contains(err.Error(), "what was not ordered: ") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: got %q", name, err)
		}
	}
	if found, _ := os.ReadDir(h.webroot); len(found) > 0 {
		t.Errorf("presented: %v", found)
	}
	if found := litter(t, filepath.Dir(h.dir)); found != nil {
		t.Errorf("litter: %q", found) // such an order is given up
	}
}

func TestIdentifierAsCAsWriteIt(t *testing.T) {
	proxy := new(acmetest.Proxy)
	h := newHost(t, acmetest.Options{AlwaysValid: true, Intercept: proxy.Intercept})
	proxy.On(acmetest.Authorization, -1, rewritten(func(authz map[string]any) {
		identifier := authz["identifier"].(map[string]any)
		identifier["value"] = strings.Replace(strings.ToUpper(identifier["value"].(string)), "2001:DB8::1", "2001:0DB8:0:0::1", 1)
	}))
	r := h.request()
	r.Names = append(r.Names, "2001:db8::1")
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Error(err)
	}
}
