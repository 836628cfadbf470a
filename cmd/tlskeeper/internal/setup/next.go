package setup

import (
	"fmt"
	"strings"

	"tlskeeper/cmd/tlskeeper/internal/config"
)

// Next lists what to type now, in the order in which it makes sense: measure,
// then certificates, then harden.
func Next(cfg *config.Config) string {
	steps := [][2]string{
		{"tlskeeper apache apply --log-only", "let Apache log what clients negotiate"},
		{"systemctl enable --now tlskeeper", "follow that log"},
	}
	if len(cfg.Certificates) > 0 {
		if !cfg.ACME.AgreeTOS {
			steps = append(steps, [2]string{"edit " + cfg.File, "accept the CA's terms: agree_tos = true"})
		}
		steps = append(steps, [2]string{"tlskeeper issue", "get the certificates"},
			[2]string{"tlskeeper apache adopt " + cfg.Certificates[0].Name, "let its vhost serve ours"},
			[2]string{"systemctl enable --now tlskeeper-renew.timer", "renew from now on"})
	}
	steps = append(steps, [2]string{"tlskeeper query ciphers", "after some days: what do clients use?"},
		[2]string{"tlskeeper apache plan", "what would hardening change, and cost?"})
	var b strings.Builder
	b.WriteString("next:\n")
	for _, s := range steps {
		fmt.Fprintf(&b, "  %-46s # %s\n", s[0], s[1])
	}
	return b.String()
}
