package acmetest

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"unsafe"

	"github.com/letsencrypt/pebble/v2/db"
)

// memoryDirectory is the URL of a CA that has no address.
const memoryDirectory = "https://ca.invalid/dir"

// InMemory makes a CA without any listener, which only Transport reaches: what
// a synctest bubble needs, whose time stands still while somebody waits for a
// network. It believes every challenge. It must be closed inside of the bubble.
func InMemory(o Options) (*CA, error) {
	o.AlwaysValid = true
	c := &CA{Directory: memoryDirectory, store: db.NewMemoryStore()}
	if err := c.policy(o); err != nil {
		return nil, err
	}
	c.handler = c.build(o)
	return c, nil
}

// Transport reaches the CA without a network.
func (c *CA) Transport() http.RoundTripper { return memory{c.handler} }

type memory struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Host, r.RequestURI, r.TLS = r.URL.Host, r.URL.RequestURI(), &tls.ConnectionState{}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	broken := m.serve(recorder, r)
	answer := recorder.Result()
	if broken && recorder.Body.Len() == 0 {
		return nil, errors.New("connection reset")
	}
	if broken {
		answer.Body = io.NopCloser(io.MultiReader(answer.Body, resetReader{}))
	}
	answer.Request = r
	return answer, nil
}

// serve tells whether the handler broke the connection.
func (m memory) serve(w http.ResponseWriter, r *http.Request) (broken bool) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			broken = true
		} else if v != nil {
			panic(v)
		}
	}()
	m.handler.ServeHTTP(w, r)
	return false
}

type resetReader struct{}

func (resetReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// endValidator ends the goroutine of Pebble's validator, which has no method
// for it: a bubble must not leave goroutines behind. validator points to a
// struct whose field tasks is the channel that the goroutine reads.
func endValidator(validator any) {
	tasks := reflect.ValueOf(validator).Elem().FieldByName("tasks")
	reflect.NewAt(tasks.Type(), unsafe.Pointer(tasks.UnsafeAddr())).Elem().Close()
}
