package logshiptest

import "net/http"

// A Fault is one failing answer. Accept makes the other half of the pair: the call is carried out in full and then
// reported as failed, which is what a client sees when a connection breaks behind the request.
type Fault struct {
	Op     string // operation it befalls; empty means PutLogEvents
	Accept bool   // carry the call out first
	Status int
	Code   string // awsJson1_1 error type; empty means Body is sent as HTML, as proxies do
	Body   string // message, or the HTML
	Reset  bool   // break the connection instead of answering
	Silent bool   // never answer, until the client goes away
}

// Throttled is what the account's quota gives: HTTP 400, not 429
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html).
func Throttled() Fault {
	return Fault{Status: 400, Code: "ThrottlingException", Body: "Rate exceeded"}
}

// Failed is an internal failure of the service (same page: InternalFailure, 500).
func Failed() Fault {
	return Fault{Status: 500, Code: "InternalFailure", Body: "The request processing has failed because of an unknown error."}
}

// Unavailable is the modelled 503 of PutLogEvents.
func Unavailable() Fault {
	return Fault{Status: 503, Code: "ServiceUnavailableException", Body: "The service cannot complete the request."}
}

// Reset is a connection broken by a peer or something on the way.
func Reset() Fault { return Fault{Reset: true} }

// Silence is a service, or something on the way to it, that takes the request and never says a word. It is not among
// Faults: nothing but the client's own patience ends it.
func Silence() Fault { return Fault{Silent: true} }

// ExpiredToken is what temporary credentials give when their time is over (CommonErrors).
func ExpiredToken() Fault {
	return Fault{Status: 400, Code: "ExpiredTokenException", Body: "The security token included in the request is expired"}
}

// AccessDenied is a policy without the permission (CommonErrors).
func AccessDenied() Fault {
	return Fault{Status: 400, Code: "AccessDeniedException", Body: "User is not authorized to perform: logs:PutLogEvents"}
}

// HTML is what a captive portal or a broken proxy puts in the service's place.
func HTML() Fault {
	return Fault{Status: 502, Body: "<html><body><h1>502 Bad Gateway</h1></body></html>"}
}

// Faults is every kind once; with ButAccepted on each they make the pairs.
func Faults() map[string]Fault {
	return map[string]Fault{
		"throttled": Throttled(), "failed": Failed(), "unavailable": Unavailable(), "reset": Reset(),
		"expired token": ExpiredToken(), "access denied": AccessDenied(), "html": HTML(),
	}
}

// ButAccepted is f for a call that was carried out.
func (f Fault) ButAccepted() Fault {
	f.Accept = true
	return f
}

// On is f for another operation than PutLogEvents.
func (f Fault) On(op string) Fault {
	f.Op = op
	return f
}

// Inject queues faults: each befalls one call of its operation, in order.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, faults...)
}

// Break makes every call of f's operation fail until Repair.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standing = &f
}

// Repair ends Break and forgets queued faults.
func (s *Server) Repair() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standing, s.queue = nil, nil
}

// takeFault is called with mu held.
func (s *Server) takeFault(op string) *Fault {
	if s.standing != nil && s.standing.befalls(op) {
		return s.standing
	}
	for i, f := range s.queue {
		if f.befalls(op) {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			return &f
		}
	}
	return nil
}

func (f *Fault) befalls(op string) bool {
	return f.Op == op || f.Op == "" && op == "PutLogEvents"
}

func (f *Fault) answer(w http.ResponseWriter) {
	switch {
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Code == "":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		w.Write([]byte(f.Body))
	default:
		writeError(w, &apiError{f.Status, f.Code, f.Body})
	}
}
