package acme

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
	"tlskeeper/acme/schedule"
)

// deaf is a CA that takes the connection and says nothing more, until whoever
// asked hangs up.
type deaf struct{}

// RoundTrip implements http.RoundTripper.
func (deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// halting is a CA that begins its answers and does not finish them.
type halting struct{}

// RoundTrip implements http.RoundTripper.
func (halting) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(stuckBody{r.Context()}), Request: r}, nil
}

type stuckBody struct{ ctx context.Context }

func (b stuckBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

// A run ends by itself whatever the CA leaves out: nobody cancels a timer's.
func TestCAThatNeverAnswers(t *testing.T) {
	for name, silence := range map[string]http.RoundTripper{"no answer": deaf{}, "half an answer": halting{}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca, err := acmetest.InMemory(acmetest.Options{AlwaysValid: true})
				if err != nil {
					t.Fatal(err)
				}
				defer ca.Close()
				root := t.TempDir()
				client := func(transport http.RoundTripper) *Client {
					c, err := New(Config{Dir: root, AgreeTOS: true, Transport: transport, CAs: []CA{{Name: "test", Directory: ca.Directory}}})
					if err != nil {
						t.Fatal(err)
					}
					return c
				}
				request := Request{Name: "www", Names: []string{"www.example.org"}, Challenge: challenge.Way{Type: challenge.HTTP01, Webroot: root}}
				if _, err := client(silence).Issue(context.Background(), request, IssueOptions{}); err == nil {
					t.Error("issued by a CA that says nothing")
				}
				g, err := client(ca.Transport()).Issue(context.Background(), request, IssueOptions{Attended: true})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(schedule.MaxPoll)
				if ari, err := client(silence).RenewalInfo(context.Background(), g); err == nil {
					t.Errorf("renewal information of a CA that says nothing: %+v", ari)
				}
			})
		})
	}
}
