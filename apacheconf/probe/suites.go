package probe

import (
	"crypto/tls"
	"strings"
)

// Suite is one cipher suite.
type Suite struct {
	ID   uint16 `json:"id"`
	Name string `json:"name"`
	Auth string `json:"auth"`
}

func suiteByID(id uint16) Suite {
	s := Suite{ID: id, Name: tls.CipherSuiteName(id), Auth: "RSA"}
	if strings.Contains(s.Name, "ECDSA") {
		s.Auth = "ECDSA"
	}
	return s
}
