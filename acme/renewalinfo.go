package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tlskeeper/acme/schedule"
	"tlskeeper/acme/store"
)

// RenewalInfo returns the renewal information of g: the stored one while the
// CA does not want to be asked again, else a new answer, which is stored. A
// failure comes beside what was known before, and is never a reason not to
// renew. nil without an error: the CA has none to give.
func (c *Client) RenewalInfo(ctx context.Context, g store.Generation) (*schedule.ARI, error) {
	now := time.Now()
	id, to := schedule.CertID(g.Leaf), c.endpointOf(g.Meta.Directory)
	state, err := c.store.State(g.Name)
	if err != nil {
		return nil, err
	}
	known := state.ARI
	if known != nil && known.CertID != id {
		known = nil // of a certificate that was replaced
	}
	if known != nil && now.Before(known.NextPoll) {
		return known.Usable(), nil
	}
	if id == "" || to == nil || !now.Before(g.Leaf.NotAfter) {
		return known.Usable(), nil
	}
	answer, err := c.askRenewalInfo(ctx, to, id)
	next := known.Update(id, answer, now)
	if saveErr := c.store.Change(g.Name, func(s *store.State) { s.ARI = next }); saveErr != nil {
		return next.Usable(), saveErr
	}
	return next.Usable(), err
}

// askRenewalInfo is one question. It needs no account.
func (c *Client) askRenewalInfo(ctx context.Context, to *endpoint, id string) (schedule.Answer, error) {
	var answer schedule.Answer
	base, err := c.renewalURL(ctx, to)
	if err == nil && base == "" {
		return answer, nil
	}
	if err == nil {
		var header http.Header
		header, err = c.get(ctx, to, strings.TrimRight(base, "/")+"/"+id, aboutRenewal, &answer)
		answer.Retry = retryAfter(header, time.Now())
	}
	if err != nil {
		if backoff, ok := errors.AsType[*BackoffError](err); ok {
			answer.Retry = backoff.Until
		}
		return schedule.Answer{Retry: answer.Retry}, fmt.Errorf("asking %s about the renewal: %w", to.ca.Name, err)
	}
	return answer, nil
}

// renewalURL finds the directory's renewalInfo, once; "" where it has none.
func (c *Client) renewalURL(ctx context.Context, to *endpoint) (string, error) {
	to.asking.Lock()
	defer to.asking.Unlock()
	if to.renewal != nil {
		return *to.renewal, nil
	}
	var directory struct {
		RenewalInfo string `json:"renewalInfo"`
	}
	if _, err := c.get(ctx, to, to.ca.Directory, aboutAnything, &directory); err != nil {
		return "", fmt.Errorf("reading the directory of %s: %w", to.ca.Name, err)
	}
	to.renewal = &directory.RenewalInfo
	return directory.RenewalInfo, nil
}

// get reads one JSON object without a signature.
func (c *Client) get(ctx context.Context, to *endpoint, url string, about subject, into any) (http.Header, error) {
	if until := to.ariPausedUntil(); about == aboutRenewal && time.Now().Before(until) {
		return http.Header{}, &BackoffError{Until: until, Why: to.ca.Name + " asked for a pause"}
	}
	if !strings.HasPrefix(url, "https://") {
		return http.Header{}, fmt.Errorf("the CA names %q, which is not https", url)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return http.Header{}, err
	}
	transport := newTransport(ctx, c.cfg.UserAgent, to)
	transport.know(url, about)
	client := http.Client{Transport: transport}
	answer, err := client.Do(request)
	if err != nil {
		if problem, ok := errors.AsType[*Problem](err); ok {
			return http.Header{}, pauseOr(problem)
		}
		return http.Header{}, err
	}
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return answer.Header, err
	}
	return answer.Header, json.Unmarshal(data, into)
}
