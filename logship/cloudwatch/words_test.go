package cloudwatch

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/logshiptest"
)

// However the agent was configured, a call ends; and so does the SDK's own
// fetching of credentials, which has the HTTP client alone.
func TestCallsToAWSHaveALimit(t *testing.T) {
	s := newStream(t)
	if d := s.client.timeout; d < time.Second || d > time.Minute {
		t.Errorf("a call may take %v", d)
	}
	conf, err := loadAWS(t.Context(), Config{Region: logshiptest.Region, Timeout: callTimeout})
	if err != nil {
		t.Fatal(err)
	}
	limited, ok := conf.HTTPClient.(interface{ GetTimeout() time.Duration })
	if !ok || limited.GetTimeout() != callTimeout {
		t.Errorf("the HTTP client is %T without a limit", conf.HTTPClient)
	}
}

func TestNoRegion(t *testing.T) {
	logshiptest.New(t)
	t.Setenv("AWS_REGION", "")
	_, err := New(t.Context(), Config{Group: "g", Stream: "s", Log: quiet})
	if err == nil || !strings.Contains(hint.Of(err), "region =") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

func TestNamesThatAWSRefuses(t *testing.T) {
	for _, c := range []Config{{Group: "a b", Stream: "s"}, {Group: "", Stream: "s"}, {Group: "g", Stream: "a:b"}, {Group: "g", Stream: "s", Client: "some"}} {
		if _, err := New(t.Context(), c); err == nil {
			t.Errorf("accepted: %+v", c)
		}
	}
}

func TestRegionThatIsNone(t *testing.T) {
	logshiptest.New(t)
	_, err := New(t.Context(), Config{Group: "g", Stream: "s", Region: "eu central 1"})
	if err == nil || !strings.Contains(err.Error(), `region "eu central 1"`) || !strings.Contains(hint.Of(err), "eu-central-1") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

// What answers in the service's place may say what it likes, at any length. It
// goes into the journal and the state file.
func TestEndlessWordsAreCut(t *testing.T) {
	endless := strings.Repeat("ü", 250_000)
	for name, err := range map[string]error{
		"message":     &smithy.GenericAPIError{Code: "InternalFailure", Message: endless},
		"code":        &smithy.GenericAPIError{Code: endless, Message: "x"},
		"credentials": &v4.SigningError{Err: errors.New("get credentials: " + endless)},
		"network":     &smithyhttp.RequestSendError{Err: errors.New(endless)},
		"any":         errors.New(endless),
	} {
		got := plainly(&smithy.OperationError{OperationName: "PutLogEvents", Err: err})
		text, kind := got.Error(), KindOf(got)
		if len(text) > 2200 || len(kind) > 2200 || !utf8.ValidString(text) {
			t.Errorf("%s: %d bytes, kind of %d bytes", name, len(text), len(kind))
		}
		if name != "code" && !strings.Contains(text, "more bytes") {
			t.Errorf("%s: %q does not say that it is cut", name, text[len(text)-40:])
		}
		if !errors.Is(got, err) {
			t.Errorf("%s: the error itself is lost", name)
		}
	}
}
