package apacheconf

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/httpd"
)

func requestHTTPS(t *testing.T, r *rig) http.Header {
	t.Helper()
	return getHTTPS(t, r, "/").Header
}

func getHTTPS(t *testing.T, r *rig, path string) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "a.test"}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.a.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "a.test"
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp
}

func waitForText(t *testing.T, path, want string) {
	t.Helper()
	err := httpd.Poll(t.Context(), 10*time.Second, func() (bool, error) {
		text, err := os.ReadFile(path)
		return strings.Contains(string(text), want), err
	})
	if err != nil {
		text, _ := os.ReadFile(path)
		t.Fatalf("%s does not contain %q: %v\n%s", path, want, err, text)
	}
}

func hstsOf(t *testing.T, r *rig) string {
	t.Helper()
	return requestHTTPS(t, r).Get("Strict-Transport-Security")
}

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// contextWithTimeout is shorter than our own deadlines, to keep the test quick.
func contextWithTimeout(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 2*time.Second)
}
