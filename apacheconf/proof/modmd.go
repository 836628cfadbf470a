package proof

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"time"

	"tlskeeper/internal/durable"
)

// mod_md gives the virtual hosts of its domains their certificates when Apache
// reads its configuration, and may exchange them at any reload. The shadow does
// without the module, which talks to CAs: such a host gets a throw-away
// certificate there, and on the wire any certificate is right where there was
// one before.

// throwAway writes a certificate that nobody will ever trust.
func (sh *shadow) throwAway() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shadow"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	return durable.WriteFile(filepath.Join(sh.dir, throwAwayFile), text, 0o600)
}

const throwAwayFile = "throw-away.pem"

// Answers that a managed host may give: what the shadow shows says nothing.
const (
	anyLeaf  = "any certificate"
	notAsked = "not asked"
)

// loosen replaces what managed hosts must show by what they show now.
func (e Expectation) loosen(ctx context.Context) {
	var managed []target
	for _, t := range e.targets {
		if t.managed {
			managed = append(managed, t)
		}
	}
	answers := ask(ctx, managed, onLive)
	for i, t := range e.targets {
		if !t.managed {
			continue
		}
		e.want[i] = notAsked
		if isLeaf(answers[0]) {
			e.want[i] = anyLeaf
		}
		answers = answers[1:]
	}
}

// right tells whether an answer is the one that is wanted. Two that were not
// heard are not the same.
func right(want, got string) bool {
	return want == got && got != unreachable || want == notAsked || want == anyLeaf && isLeaf(got)
}
