package cloudwatch

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"tlskeeper/internal/hint"
)

// errorCode is the service's name of an error, "" when it is not the service's.
func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func isDenied(err error) bool { return errorCode(err) == "AccessDeniedException" }

// IsRefused tells whether the service found fault with the events themselves,
// which sending the same again cannot mend. A complaint about the names of
// group or stream is not about the events.
func IsRefused(err error) bool {
	bad, ok := errors.AsType[*types.InvalidParameterException](err)
	if !ok {
		return false
	}
	msg := bad.ErrorMessage()
	return !strings.Contains(msg, "logGroupName") && !strings.Contains(msg, "logStreamName")
}

// cloudError is an error of the SDK in a person's words.
type cloudError struct {
	text string
	kind string // what it has in common with others that differ in their text
	err  error
}

func (e *cloudError) Error() string { return inBrief(e.text) }

func (e *cloudError) Unwrap() error { return e.err }

// maxAnswer bytes of an answer go into the journal and the state file: whatever answers
// in the service's place may be of any length.
const maxAnswer = 2 << 10

func inBrief(text string) string {
	if len(text) <= maxAnswer {
		return text
	}
	kept := strings.ToValidUTF8(text[:maxAnswer], "")
	return fmt.Sprintf("%s... (%d more bytes)", kept, len(text)-len(kept))
}

// plainly says what failed without the layers of the SDK. It keeps err for
// those who branch, and its hint.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	e := &cloudError{text: err.Error(), kind: err.Error(), err: err}
	operation := ""
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		operation = op.OperationName + ": "
		e.text = operation + op.Err.Error()
	}
	answer, answered := errors.AsType[*smithyhttp.ResponseError](err)
	if sent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		e.text, e.kind = unreached(sent.Err), "unreached"
		return hint.Wrap(e, reachHint)
	}
	if isUnsigned(err) {
		return noCredentials(err)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.text, e.kind = operation+api.ErrorCode()+": "+api.ErrorMessage(), api.ErrorCode()
	} else if _, garbled := errors.AsType[*smithy.DeserializationError](err); garbled && answered {
		e.text = fmt.Sprintf("something else than CloudWatch answered (HTTP status %d)", answer.HTTPStatusCode())
		e.kind = e.text
	}
	return hint.Wrap(e, advice(err))
}

// unreached says which address did not answer, and why.
func unreached(err error) string {
	if at, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("cannot reach %s: %v", at.URL, at.Err)
	}
	return fmt.Sprintf("cannot reach CloudWatch: %v", err)
}

// KindOf is the same for errors that are one and the same to a person, though
// their text may differ by a request's id or a port.
func KindOf(err error) string {
	if e, ok := errors.AsType[*cloudError](err); ok {
		return inBrief(e.kind)
	}
	return err.Error()
}

// isUnsigned tells that a request was never sent, for want of credentials.
func isUnsigned(err error) bool {
	_, ok := errors.AsType[*v4.SigningError](err)
	return ok || strings.Contains(err.Error(), "get credentials")
}

const (
	credentialsHint = "give this host an instance role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile in [cloudwatch]"
	reachHint       = "check region and endpoint in [cloudwatch], DNS, the firewall and HTTPS_PROXY; the lines are kept until then"
)

// noCredentials names the source that failed, if there was any.
func noCredentials(err error) error {
	e := &cloudError{text: "no AWS credentials found", kind: "credentials", err: err}
	if text := err.Error(); !strings.Contains(text, "no EC2 IMDS role found") {
		_, reason, found := strings.Cut(text, "get credentials: ")
		if !found {
			reason = text
		}
		e.text = "getting AWS credentials: " + reason
	}
	return hint.Wrap(e, credentialsHint)
}

// IsHopeless tells that trying again in a moment is in vain: somebody must do
// something first.
func IsHopeless(err error) bool { return isUnsigned(err) || advice(err) != "" && errorCode(err) != "" }

// advice is the hint for an error of AWS that somebody must act on, "" for
// those that pass by themselves. Codes: CommonErrors.html of the API reference.
func advice(err error) string {
	switch errorCode(err) {
	case "AccessDeniedException":
		return "a policy of this role or user must allow logs:PutLogEvents and logs:CreateLogStream on the log group; " +
			"logs:CreateLogGroup and logs:PutRetentionPolicy, too, where tlskeeper is to make it"
	case "UnrecognizedClientException", "InvalidClientTokenId":
		return "the access key is unknown to AWS: check AWS_ACCESS_KEY_ID or the profile"
	case "ExpiredTokenException", "ExpiredToken":
		return "renew the temporary credentials; the lines are kept until then"
	case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired":
		return "check the clock (timedatectl) and the secret key"
	}
	if _, garbled := errors.AsType[*smithy.DeserializationError](err); garbled {
		return "look for a proxy or a login page between this host and AWS; check endpoint in [cloudwatch]"
	}
	return ""
}
