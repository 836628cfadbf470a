package logshiptest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

// client is the real SDK against s, without retries.
func client(t *testing.T, s *Server) *cloudwatchlogs.Client {
	t.Helper()
	conf, err := config.LoadDefaultConfig(t.Context(), config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		t.Fatal(err)
	}
	c := cloudwatchlogs.NewFromConfig(conf, func(o *cloudwatchlogs.Options) { o.BaseEndpoint = &s.URL })
	if _, err := c.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	return c
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func put(ctx context.Context, c *cloudwatchlogs.Client, stream string, events ...types.InputLogEvent) (*cloudwatchlogs.PutLogEventsOutput, error) {
	return c.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: &stream, LogEvents: events})
}

func ev(at time.Time, message string) types.InputLogEvent {
	return types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli()), Message: &message}
}

func many(n int, at time.Time, message string) []types.InputLogEvent {
	events := make([]types.InputLogEvent, n)
	for i := range events {
		events[i] = ev(at, message)
	}
	return events
}

func TestContractOfPutLogEvents(t *testing.T) {
	s := New(t)
	c := client(t, s)
	now := time.Now()
	for name, events := range map[string][]types.InputLogEvent{
		"nothing":         {},
		"an empty line":   {ev(now, "")},
		"not in order":    {ev(now, "a"), ev(now.Add(-time.Second), "b")},
		"too many":        many(10_001, now, "x"),
		"too large":       many(2, now, strings.Repeat("x", 1<<19)),
		"one too large":   {ev(now, strings.Repeat("x", 1<<20-25))},
		"longer than 24h": {ev(now.Add(-25*time.Hour), "a"), ev(now, "b")},
	} {
		if _, err := put(t.Context(), c, "s", events...); code(err) != "InvalidParameterException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, events := range map[string][]types.InputLogEvent{
		"10,000":      many(10_000, now, "x"),
		"1 MiB":       {ev(now, strings.Repeat("x", 1<<20-26))},
		"nearly 24 h": {ev(now.Add(-24*time.Hour), "a"), ev(now.Add(-time.Second), "b")},
	} {
		if out, err := put(t.Context(), c, "s", events...); err != nil || out.RejectedLogEventsInfo != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := s.Accepted(); got != 10_003 {
		t.Errorf("%d events accepted, want 10,003", got)
	}
}

// The span of 24 hours is that of the valid events.
func TestTooOldAndTooNew(t *testing.T) {
	s := New(t)
	c := client(t, s)
	now := time.Now()
	out, err := put(t.Context(), c, "s", ev(now.AddDate(0, 0, -15), "old"), ev(now, "a"), ev(now, "b"), ev(now.Add(3*time.Hour), "new"))
	if err != nil {
		t.Fatal(err)
	}
	info := out.RejectedLogEventsInfo
	if info == nil || *info.TooOldLogEventEndIndex != 1 || *info.TooNewLogEventStartIndex != 3 || info.ExpiredLogEventEndIndex != nil {
		t.Errorf("%+v", info)
	}
	if s.Accepted() != 2 || s.Rejected() != 2 {
		t.Errorf("%d accepted, %d rejected", s.Accepted(), s.Rejected())
	}
	_, err = c.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(3)})
	if err != nil {
		t.Fatal(err)
	}
	out, err = put(t.Context(), c, "s", ev(now.AddDate(0, 0, -5), "expired"), ev(now, "a"))
	if err != nil || out.RejectedLogEventsInfo == nil || *out.RejectedLogEventsInfo.ExpiredLogEventEndIndex != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestNamesAndWhatIsMissing(t *testing.T) {
	s := New(t)
	c := client(t, s)
	if _, err := put(t.Context(), c, "none", ev(time.Now(), "x")); code(err) != "ResourceNotFoundException" {
		t.Error(err)
	}
	for name, want := range map[string]string{"g": "ResourceAlreadyExistsException", "a b": "InvalidParameterException", strings.Repeat("x", 513): "InvalidParameterException"} {
		_, err := c.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})
		if code(err) != want {
			t.Errorf("%.20s: %v", name, err)
		}
	}
	_, err := c.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("a:b")})
	if code(err) != "InvalidParameterException" {
		t.Error(err)
	}
	_, err = c.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(2)})
	if code(err) != "InvalidParameterException" {
		t.Error(err)
	}
}

func TestReadBackByPages(t *testing.T) {
	s := New(t)
	c := client(t, s)
	now := time.Now().Truncate(time.Second)
	for n := range 25 {
		if _, err := put(t.Context(), c, "s", ev(now.Add(time.Duration(n)*time.Second), "x")); err != nil {
			t.Fatal(err)
		}
	}
	pages := cloudwatchlogs.NewGetLogEventsPaginator(c, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"),
		StartFromHead: aws.Bool(true), Limit: aws.Int32(10), StartTime: aws.Int64(now.UnixMilli() + 1000), EndTime: aws.Int64(now.UnixMilli() + 24_000)},
		func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	got := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got += len(page.Events)
	}
	if got != 23 {
		t.Errorf("read %d events, want 23", got)
	}
}

// A body that is compressed after it was signed is refused, as is a foreign key.
func TestSignatures(t *testing.T) {
	s := New(t)
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	io.WriteString(zw, "{}")
	zw.Close()
	for name, auth := range map[string]string{
		"MissingAuthenticationTokenException": "",
		"UnrecognizedClientException":         "AWS4-HMAC-SHA256 Credential=AKIAOTHER/20261123/eu-central-1/logs/aws4_request, SignedHeaders=host, Signature=00",
		"InvalidSignatureException":           "AWS4-HMAC-SHA256 Credential=" + AccessKey + "/20261123/eu-central-1/logs/aws4_request, SignedHeaders=host, Signature=00",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, bytes.NewReader(packed.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
		req.Header.Set("Content-Encoding", "gzip")
		req.Header.Set("Authorization", auth)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 400 || !strings.Contains(string(body), name) {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
}

func TestFaultPairs(t *testing.T) {
	s := New(t)
	c := client(t, s)
	for name, f := range Faults() {
		for _, f := range []Fault{f, f.ButAccepted()} {
			before := s.Accepted()
			s.Inject(f)
			if _, err := put(t.Context(), c, "s", ev(time.Now(), "x")); err == nil || code(err) != f.Code && f.Code != "" {
				t.Errorf("%s: %v", name, err)
			}
			if got := s.Accepted() - before; (got == 1) != f.Accept {
				t.Errorf("%s, accepted=%v: %d events stored", name, f.Accept, got)
			}
		}
	}
	if _, err := put(t.Context(), c, "s", ev(time.Now(), "x")); err != nil {
		t.Error(err)
	}
}
