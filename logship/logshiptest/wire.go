package logshiptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/gzip"
)

// input holds the members of every operation's request; each reads its own.
type input struct {
	LogGroupName        string  `json:"logGroupName"`
	LogStreamName       string  `json:"logStreamName"`
	LogGroupNamePrefix  string  `json:"logGroupNamePrefix"`
	LogStreamNamePrefix string  `json:"logStreamNamePrefix"`
	RetentionInDays     int     `json:"retentionInDays"`
	LogEvents           []Event `json:"logEvents"`
	StartTime           *int64  `json:"startTime"`
	EndTime             *int64  `json:"endTime"`
	NextToken           string  `json:"nextToken"`
	Limit               int     `json:"limit"`
	StartFromHead       bool    `json:"startFromHead"`
}

// An Event is one log event as it was sent.
type Event struct {
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Message   string `json:"message"`
	Ingested  int64  `json:"ingestionTime,omitempty"` // set when it is accepted
}

// apiError is an error of the service: `__type` in the body is what SDKs go by (awsJson1_1, operation error serialization).
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func invalid(format string, args ...any) *apiError {
	return &apiError{400, "InvalidParameterException", fmt.Sprintf(format, args...)}
}

func notFound(what string) *apiError {
	return &apiError{400, "ResourceNotFoundException", "The specified " + what + " does not exist."}
}

func exists(what string) *apiError {
	return &apiError{400, "ResourceAlreadyExistsException", "The specified " + what + " already exists"}
}

func writeError(w http.ResponseWriter, e *apiError) {
	writeJSON(w, e.status, map[string]string{"__type": e.code, "message": e.message})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if body == nil {
		body = struct{}{}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// decode undoes Content-Encoding. The service takes gzip for PutLogEvents; Amazon's own agents send it
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AgentReference.html, use_gzip_http_content_encoding).
func decode(encoding string, raw []byte) ([]byte, error) {
	switch encoding {
	case "", "identity":
		return raw, nil
	case "gzip":
		zr, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(zr, maxBody+1))
		if err == nil && len(body) > maxBody {
			err = fmt.Errorf("body larger than %d bytes", maxBody)
		}
		return body, err
	}
	return nil, fmt.Errorf("unknown Content-Encoding %q", encoding)
}
