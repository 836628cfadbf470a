// Package logshiptest is a CloudWatch Logs endpoint on loopback: it speaks awsJson1_1
// (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html) to the real AWS SDK, checks the signature of every
// request, holds callers to the published contract of PutLogEvents, and can be told to fail in the ways the real service
// and the network between fail.
//
// For the tests of the whole of logship it also has lines of the log, by number. It is for tests and for the demonstration. It may import only the standard library and a gzip reader: a double that
// shared code with the client would share its misreadings. What it does not do: quotas, log classes, KMS, and eventual
// consistency (the real service shows new events to readers some seconds later).
package logshiptest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Credentials and region that the server accepts. They are made up and open nothing.
const (
	AccessKey = "AKIATLSKEEPERTEST000"
	SecretKey = "tlskeeper/test/secret/of/the/loopback/00"
	Region    = "eu-central-1"
)

// maxBody bounds a request after decompression: the contract counts 1 MiB of messages, and JSON escapes at most sixfold.
const maxBody = 8 << 20

// A Server is one account in one region. Its methods may be called at any time from any goroutine.
type Server struct {
	URL string // http://127.0.0.1:PORT, to be given as the endpoint

	http *http.Server

	mu       sync.Mutex // all below
	now      func() time.Time
	groups   map[string]*group
	requests map[string]int
	queue    []Fault
	standing *Fault
	accepted int
	rejected int
	log      []Put
}

// Start listens on a free loopback port and serves until Close.
func Start() (*Server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for CloudWatch Logs: %w", err)
	}
	s := &Server{
		URL:      "http://" + ln.Addr().String(),
		now:      time.Now,
		groups:   map[string]*group{},
		requests: map[string]int{},
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go s.http.Serve(ln)
	return s, nil
}

// New starts a server for one test, gives the test's process its credentials, and closes it at the end. The test cannot
// run in parallel with others, as the credentials are in the environment.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, kv := range s.Env() {
		name, value, _ := strings.Cut(kv, "=")
		old, had := os.LookupEnv(name)
		os.Setenv(name, value)
		t.Cleanup(func() {
			if had {
				os.Setenv(name, old)
			} else {
				os.Unsetenv(name)
			}
		})
	}
	return s
}

// Env is what a process needs in its environment to be let in, and to look nowhere else for credentials.
func (s *Server) Env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + SecretKey,
		"AWS_REGION=" + Region,
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// Close ends the server and every open connection at once.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.http.Shutdown(ctx)
	return s.http.Close()
}

// SetNow replaces the clock that decides which events are too old or too new.
func (s *Server) SetNow(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// ServeHTTP answers one call: signature, fault, decoding, operation.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "Logs_20140328.")
	if !ok || r.Method != http.MethodPost {
		writeError(w, &apiError{400, "UnknownOperationException", ""})
		return
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the client went away
	}
	if s.respond(w, r, op, raw) {
		<-r.Context().Done() // without the lock: others are answered meanwhile
		panic(http.ErrAbortHandler)
	}
}

// respond answers, or tells that the client is to wait for ever.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, op string, raw []byte) (silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[op]++
	if e := checkSignature(r, raw); e != nil {
		writeError(w, e)
		return false
	}
	fault := s.takeFault(op)
	var out any
	var e *apiError
	if fault == nil || fault.Accept {
		out, e = s.call(op, r.Header.Get("Content-Encoding"), raw)
	}
	switch {
	case fault != nil && fault.Silent:
		return true
	case fault != nil:
		fault.answer(w)
	case e != nil:
		writeError(w, e)
	default:
		writeJSON(w, 200, out)
	}
	return false
}

func (s *Server) call(op, encoding string, raw []byte) (any, *apiError) {
	body, err := decode(encoding, raw)
	if err != nil {
		return nil, &apiError{400, "SerializationException", err.Error()}
	}
	var in input
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &apiError{400, "SerializationException", err.Error()}
	}
	switch op {
	case "CreateLogGroup":
		return s.createGroup(in)
	case "CreateLogStream":
		return s.createStream(in)
	case "PutRetentionPolicy":
		return s.putRetention(in)
	case "DescribeLogGroups":
		return s.describeGroups(in)
	case "DescribeLogStreams":
		return s.describeStreams(in)
	case "PutLogEvents":
		return s.putEvents(in)
	case "GetLogEvents":
		return s.getEvents(in)
	}
	return nil, &apiError{400, "UnknownOperationException", op}
}
