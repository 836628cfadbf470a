package acme

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"tlskeeper/acme/acmetest"
	"tlskeeper/acme/challenge"
)

// httpreqServer is the API that lego's httpreq provider calls
// (go-acme.github.io/lego/dns/httpreq), with records in the CA's DNS.
func httpreqServer(t *testing.T, ca *acmetest.CA) (url string, log func() []string) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		var record struct{ FQDN, Value string }
		if err := json.NewDecoder(r.Body).Decode(&record); err != nil || user != "u" || password != "p" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.URL.Path+" "+record.FQDN)
		value := record.Value
		if r.URL.Path == "/cleanup" {
			value = "gone"
		}
		ca.SetTXT(record.FQDN, value)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func TestRecordsByHTTPRequests(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	url, log := httpreqServer(t, h.ca)
	t.Setenv("LEGO_DISABLE_CNAME_SUPPORT", "true")
	t.Setenv("HTTPREQ_ENDPOINT", url)
	t.Setenv("HTTPREQ_USERNAME", "u")
	t.Setenv("HTTPREQ_PASSWORD", "wrong")
	r := Request{Name: "wild", Names: []string{"*.example.org", "example.net"}, Challenge: challenge.Way{Type: challenge.DNS01, Provider: "httpreq"}}
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong password: %v", err)
	}
	t.Setenv("HTTPREQ_PASSWORD", "p")
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{Attended: true}); err != nil {
		t.Fatal(err)
	}
	got := log()
	slices.Sort(got)
	// The first run could not take its records away again: the second did.
	want := []string{"/cleanup _acme-challenge.example.net.", "/cleanup _acme-challenge.example.net.",
		"/cleanup _acme-challenge.example.org.", "/cleanup _acme-challenge.example.org.",
		"/present _acme-challenge.example.net.", "/present _acme-challenge.example.org."}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// route53Server speaks as much of Route 53's API (2013-04-01) as the provider
// uses: one zone, whose records are the CA's DNS.
type route53Server struct {
	mu      sync.Mutex
	records map[string][]string // TXT by name, with their quotes
	most    int                 // values of one record at once
	refused int
	ca      *acmetest.CA
}

type rrset struct {
	Name            string   `xml:"Name"`
	Type            string   `xml:"Type"`
	TTL             int      `xml:"TTL"`
	ResourceRecords []string `xml:"ResourceRecords>ResourceRecord>Value"`
}

func (s *route53Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const space = ` xmlns="https://route53.amazonaws.com/doc/2013-04-01/"`
	const change = "<ChangeInfo><Id>/change/C1</Id><Status>%s</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>"
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=AKID/") {
		s.refused++
		w.WriteHeader(http.StatusForbidden)
		return
	}
	switch path := strings.TrimSuffix(r.URL.Path, "/"); {
	case r.Method == http.MethodGet && path == "/2013-04-01/hostedzone/Z1/rrset":
		name := r.URL.Query().Get("name")
		out := struct {
			XMLName     xml.Name `xml:"ListResourceRecordSetsResponse"`
			Sets        []rrset  `xml:"ResourceRecordSets>ResourceRecordSet"`
			IsTruncated bool
			MaxItems    int
		}{MaxItems: 100}
		if values := s.records[name]; len(values) > 0 {
			out.Sets = []rrset{{name, "TXT", 10, values}}
		}
		xml.NewEncoder(w).Encode(out)
	case r.Method == http.MethodPost && path == "/2013-04-01/hostedzone/Z1/rrset":
		s.change(r)
		fmt.Fprintf(w, "<ChangeResourceRecordSetsResponse"+space+">"+change+"</ChangeResourceRecordSetsResponse>", "PENDING")
	case r.Method == http.MethodGet && path == "/2013-04-01/change/C1":
		fmt.Fprintf(w, "<GetChangeResponse"+space+">"+change+"</GetChangeResponse>", "INSYNC")
	default:
		http.NotFound(w, r)
	}
}

func (s *route53Server) change(r *http.Request) {
	var in struct {
		Changes []struct {
			Action string `xml:"Action"`
			Set    rrset  `xml:"ResourceRecordSet"`
		} `xml:"ChangeBatch>Changes>Change"`
	}
	xml.NewDecoder(r.Body).Decode(&in)
	for _, c := range in.Changes {
		s.records[c.Set.Name] = c.Set.ResourceRecords
		if c.Action == "DELETE" {
			delete(s.records, c.Set.Name)
			continue
		}
		s.most = max(s.most, len(c.Set.ResourceRecords))
		s.ca.SetTXT(c.Set.Name, strings.Trim(c.Set.ResourceRecords[0], `"`))
	}
}

func newRoute53(t *testing.T, ca *acmetest.CA) *route53Server {
	s := &route53Server{records: map[string][]string{}, ca: ca}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"LEGO_DISABLE_CNAME_SUPPORT": "true", "AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_HOSTED_ZONE_ID": "Z1",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	return s
}

func TestRecordsInRoute53(t *testing.T) {
	h := newHost(t, acmetest.Options{})
	s := newRoute53(t, h.ca)
	r := Request{Name: "wild", Names: []string{"*.example.org", "www.example.net"}, Challenge: challenge.Way{Type: challenge.DNS01, Provider: "route53"}}
	if _, err := h.client(t).Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(s.records) > 0 || s.most != 1 || s.refused > 0 {
		t.Errorf("left: %v; at once: %d; refused: %d", s.records, s.most, s.refused)
	}
}

// A name and its wildcard are two values of one record, which the provider
// reads, changes and writes: at the same time, one of the two would be lost.
func TestNameAndItsWildcardInOneRecord(t *testing.T) {
	h := newHost(t, acmetest.Options{AlwaysValid: true})
	s := newRoute53(t, h.ca)
	r := Request{Name: "both", Challenge: challenge.Way{Type: challenge.DNS01, Provider: "route53"}}
	for i := range 5 {
		r.Names = append(r.Names, fmt.Sprintf("n%d.example.org", i), fmt.Sprintf("*.n%d.example.org", i))
	}
	both := map[string]bool{}
	c := h.client(t)
	c.step = func(step string) {
		if step != "presented" {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for name, values := range s.records {
			both[name] = len(values) == 2
		}
	}
	if _, err := c.Issue(testContext(t), r, IssueOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, ok := range both {
		if !ok {
			t.Errorf("%s had one of its two values", name)
		}
	}
	if len(both) != 5 || len(s.records) > 0 {
		t.Errorf("%d records, left: %v", len(both), s.records)
	}
}
