package acme

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	lego "github.com/go-acme/lego/v4/acme"
	"github.com/go-jose/go-jose/v4"
)

// post signs a message with the account's key and sends it (RFC 8555, section
// 6.2): for what lego's types cannot say, as an empty list. It is for call.
func (s *session) post(url string, message any) error {
	body, err := s.sign(url, message)
	if err != nil {
		return err
	}
	answer, err := s.httpClient().Post(url, "application/jose+json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode < http.StatusBadRequest {
		return nil
	}
	problem := new(lego.ProblemDetails) // only a refused nonce comes as an answer
	if err := json.NewDecoder(answer.Body).Decode(problem); err != nil {
		return fmt.Errorf("reading a refusal: %w", err)
	}
	return problem
}

func (s *session) sign(url string, message any) ([]byte, error) {
	payload, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: algorithm(s.key), Key: jose.JSONWebKey{Key: s.key, KeyID: s.account.URL}},
		&jose.SignerOptions{NonceSource: s, ExtraHeaders: map[jose.HeaderKey]any{"url": url}})
	if err != nil {
		return nil, fmt.Errorf("signing a message: %v", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return nil, err // also a nonce's
	}
	return []byte(signed.FullSerialize()), nil
}

// algorithm is the one that every CA takes for a key (RFC 7518, section 3.1).
func algorithm(key crypto.Signer) jose.SignatureAlgorithm {
	k, ok := key.(*ecdsa.PrivateKey)
	switch {
	case !ok:
		return jose.RS256
	case k.Curve.Params().BitSize == 384:
		return jose.ES384
	}
	return jose.ES256
}

// Nonce implements jose.NonceSource.
func (s *session) Nonce() (string, error) {
	answer, err := s.httpClient().Head(s.core.GetDirectory().NewNonceURL)
	if err != nil {
		return "", err
	}
	answer.Body.Close()
	nonce := answer.Header.Get("Replay-Nonce")
	if nonce == "" {
		return "", errors.New("the CA gave no nonce")
	}
	return nonce, nil
}
