package logship

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/logshiptest"
)

// What a user reads when shipping fails: what was tried, why it failed and what
// to do, and none of the SDK's layers. Lines are kept in each case.
func TestWordsOfFailures(t *testing.T) {
	for name, c := range map[string]struct {
		fault  logshiptest.Fault
		change func(*cloudwatch.Config)
		env    map[string]string
		want   string
		hint   string
	}{
		"no credentials": {env: map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
			want: "shipping to /tls/test/host-1: no AWS credentials found", hint: "instance role"},
		"unreachable": {change: func(c *cloudwatch.Config) { c.Endpoint = closedPort(t) },
			want: "cannot reach http://127.0.0.1:", hint: "firewall"},
		"no such host": {change: func(c *cloudwatch.Config) { c.Endpoint = "http://logs.nowhere.invalid/" },
			want: "cannot reach http://logs.nowhere.invalid/: ", hint: "region"},
		"unknown key":  {env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIAX"}, want: "PutLogEvents: UnrecognizedClientException: The security", hint: "access key"},
		"wrong secret": {env: map[string]string{"AWS_SECRET_ACCESS_KEY": "x"}, want: "PutLogEvents: InvalidSignatureException: ", hint: "clock"},
		"denied":       {fault: logshiptest.AccessDenied(), want: "PutLogEvents: AccessDeniedException: User is not", hint: "logs:PutLogEvents"},
		"may not make the group": {fault: logshiptest.AccessDenied().On("CreateLogGroup"),
			want: "making log group /tls/test: CreateLogGroup: AccessDeniedException", hint: "logs:CreateLogGroup"},
		"expired": {fault: logshiptest.ExpiredToken(), want: "PutLogEvents: ExpiredTokenException: The", hint: "temporary credentials"},
		"a portal": {fault: logshiptest.HTML(), want: "something else than CloudWatch answered (HTTP status 502)",
			hint: "proxy"},
		"broken off": {fault: logshiptest.Reset(), want: "cannot reach http://127.0.0.1:", hint: "firewall"},
		"throttled":  {fault: logshiptest.Throttled(), want: "PutLogEvents: ThrottlingException: Rate exceeded", hint: "run it again"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShipping(t, nil)
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			cc := cloudwatch.Config{Group: testGroup, Stream: testStream, Endpoint: s.cloud.URL, Log: s.conf.Log}
			if c.change != nil {
				c.change(&cc)
			}
			cw, err := cloudwatch.New(t.Context(), cc)
			if err != nil {
				t.Fatal(err)
			}
			s.conf.CloudWatch = cw
			if c.fault != (logshiptest.Fault{}) {
				s.cloud.Break(c.fault)
			}
			s.write(recent(1, 3))
			err = Run(t.Context(), s.conf)
			got := fmt.Sprint(err)
			if !strings.HasPrefix(got, "3 lines are not shipped: ") || !strings.Contains(got, c.want) || !strings.Contains(hint.Of(err), c.hint) {
				t.Errorf("got %q, hint %q", got, hint.Of(err))
			}
			for _, jargon := range []string{"operation error", "StatusCode", "RequestID: ,", "IMDS", "Post "} {
				if strings.Contains(got, jargon) {
					t.Errorf("%q holds %q", got, jargon)
				}
			}
			if st, err := s.store.Stats(t.Context()); err != nil || st.Rows != 3 || st.Pending != 3 {
				t.Errorf("%+v, %v", st, err)
			}
		})
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

// The port on our side differs each time, and the failure is the same.
func TestConnectionsThatBreakAreSaidOnce(t *testing.T) {
	s := newShipping(t, nil)
	s.cloud.Break(logshiptest.Reset())
	stop := s.background()
	s.write(recent(1, 3))
	logshiptest.Eventually(t, "some attempts", func() bool { return s.cloud.Requests("PutLogEvents") > 5 })
	stop()
	if n := strings.Count(s.said.String(), "tried again"); n != 1 {
		t.Errorf("said %d times:\n%s", n, s.said)
	}
}
