package logship

import (
	"errors"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

// errorCode is the service's name of an error, "" when it is not the service's.
func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func isDenied(err error) bool { return errorCode(err) == "AccessDeniedException" }

// isRefused tells whether the service found fault with the events themselves,
// which sending the same again cannot mend. A complaint about the names of
// group or stream is none of the events'.
func isRefused(err error) bool {
	bad, ok := errors.AsType[*types.InvalidParameterException](err)
	if !ok {
		return false
	}
	msg := bad.ErrorMessage()
	return !strings.Contains(msg, "logGroupName") && !strings.Contains(msg, "logStreamName")
}

// advice is the hint for an error of AWS that somebody must act on, "" for
// those that pass by themselves. Codes: CommonErrors.html of the API reference.
func advice(err error) string {
	switch errorCode(err) {
	case "AccessDeniedException":
		return "allow logs:PutLogEvents, logs:CreateLogStream, logs:CreateLogGroup and logs:PutRetentionPolicy on the log group to this role or user"
	case "UnrecognizedClientException", "InvalidClientTokenId":
		return "the access key is unknown to AWS: check AWS_ACCESS_KEY_ID or the profile"
	case "ExpiredTokenException", "ExpiredToken":
		return "renew the temporary credentials; the lines are kept until then"
	case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired":
		return "check the clock (timedatectl) and the secret key"
	}
	if _, ok := errors.AsType[*v4.SigningError](err); ok || strings.Contains(err.Error(), "get credentials") {
		return credentialsHint
	}
	return ""
}
