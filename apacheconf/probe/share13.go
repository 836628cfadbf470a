package probe

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"fmt"
)

// hybridGroup is X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem): the share of
// ML-KEM comes first, then that of X25519, and so do the secrets.
const hybridGroup = Code(0x11ec)

// shareGroups are the groups that a key share can be made for.
var shareGroups = []Code{hybridGroup, 29, 23, 24, 25}

// shareKey is the secret half of a key share.
type shareKey struct {
	curve *ecdh.PrivateKey
	kem   *mlkem.DecapsulationKey768 // nil but for the hybrid
}

// newShare makes a key share for one of shareGroups.
func newShare(group Code) (*shareKey, keyShare, error) {
	curve := map[Code]ecdh.Curve{hybridGroup: ecdh.X25519(), 29: ecdh.X25519(), 23: ecdh.P256(), 24: ecdh.P384(), 25: ecdh.P521()}[group]
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, keyShare{}, fmt.Errorf("making a key share: %w", err)
	}
	s := &shareKey{curve: key}
	if group != hybridGroup {
		return s, keyShare{group, key.PublicKey().Bytes()}, nil
	}
	if s.kem, err = mlkem.GenerateKey768(); err != nil {
		return nil, keyShare{}, fmt.Errorf("making a key share: %w", err)
	}
	return s, keyShare{group, append(s.kem.EncapsulationKey().Bytes(), key.PublicKey().Bytes()...)}, nil
}

// shared is the secret that the server's share leads to.
func (s *shareKey) shared(theirs []byte) ([]byte, error) {
	var secret []byte
	if s.kem != nil {
		c := &cursor{b: theirs}
		text := c.take(mlkem.CiphertextSize768)
		var err error
		if secret, err = s.kem.Decapsulate(text); err != nil {
			return nil, fmt.Errorf("%w: key share: %w", errMalformed, err)
		}
		theirs = c.b
	}
	public, err := s.curve.Curve().NewPublicKey(theirs)
	if err != nil {
		return nil, fmt.Errorf("%w: key share: %w", errMalformed, err)
	}
	ours, err := s.curve.ECDH(public)
	if err != nil {
		return nil, fmt.Errorf("%w: key share: %w", errMalformed, err)
	}
	return append(secret, ours...), nil
}
