package renewal

import (
	"errors"
	"strings"
	"testing"

	"tlskeeper/acme/store"
	"tlskeeper/internal/testenv"
)

// Two certificates are valid for the one virtual host. The one that it includes
// is served, and the other is no fault of it.
func TestOverlappingCertificates(t *testing.T) {
	testenv.Need(t, "apache2")
	h := newHost(t)
	h.believed([]string{site})
	spare := h.cfg.Requests[0]
	spare.Name, spare.Names = "spare", []string{"spare.example.test", site}
	h.cfg.Requests = append(h.cfg.Requests, spare)
	Run(h.ctx(), h.cfg, Options{Attended: true})
	h.adopt()
	report, err := Run(h.ctx(), h.cfg, Options{})
	undeployed, ok := errors.AsType[*NotDeployedError](err)
	if !ok || len(undeployed.Why) != 1 || !strings.Contains(undeployed.Why["spare"].Error(), "serve certificate "+site) {
		t.Errorf("got %v", err)
	}
	for _, c := range report.Certificates {
		if c.Deployed != (c.Name == site) {
			t.Errorf("%+v", c)
		}
	}
	if list, err := store.Open(h.cfg.Dir).List(); err != nil || len(list) != 2 || h.ca.Issued() != 2 {
		t.Errorf("%d, %v, %d issued", len(list), err, h.ca.Issued())
	}
}
