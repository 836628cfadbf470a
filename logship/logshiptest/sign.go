package logshiptest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// checkSignature verifies Signature Version 4 over the body as it was sent, so a body compressed after signing is
// refused (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
func checkSignature(r *http.Request, body []byte) *apiError {
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return &apiError{400, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(auth, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	key, scope, _ := strings.Cut(fields["Credential"], "/")
	if key != AccessKey {
		return &apiError{400, "UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	want := signature(r, body, scope, fields["SignedHeaders"])
	if !hmac.Equal([]byte(want), []byte(fields["Signature"])) {
		return &apiError{400, "InvalidSignatureException",
			"The request signature we calculated does not match the signature you provided."}
	}
	return nil
}

func signature(r *http.Request, body []byte, scope, signedHeaders string) string {
	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n/\n\n")
	names := strings.Split(signedHeaders, ";")
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(strings.Fields(r.Header.Get(name)), " ")
		if name == "host" {
			value = r.Host
		}
		if name == "content-length" {
			value = r.Header.Get("Content-Length")
		}
		canonical.WriteString(name + ":" + value + "\n")
	}
	canonical.WriteString("\n" + signedHeaders + "\n" + hexSum(body))
	toSign := "AWS4-HMAC-SHA256\n" + r.Header.Get("X-Amz-Date") + "\n" + scope + "\n" + hexSum([]byte(canonical.String()))
	key := []byte("AWS4" + SecretKey)
	for part := range strings.SplitSeq(scope, "/") { // date, region, service, aws4_request
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}
