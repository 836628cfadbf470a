package acmetest

import (
	"net"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// dnsServer is where the CA looks names up: every name is 127.0.0.1, and TXT
// records are what a test has set. Let's Encrypt's challtestsrv cannot say
// which free port it took and keeps its handler in a global, so two CAs in one
// process would share their records.
type dnsServer struct {
	address string
	server  *dns.Server
	mu      sync.Mutex
	txt     map[string]string // by fully qualified lower-case name
}

// startDNS listens over TCP only: it is all that Pebble asks over.
func startDNS() (*dnsServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &dnsServer{address: listener.Addr().String(), txt: map[string]string{}}
	started := make(chan struct{})
	s.server = &dns.Server{
		Listener: listener, Handler: dns.HandlerFunc(s.answer), NotifyStartedFunc: func() { close(started) },
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	go s.server.ActivateAndServe()
	<-started
	return s, nil
}

func (s *dnsServer) set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.txt[strings.ToLower(dns.Fqdn(name))] = value
}

func (s *dnsServer) answer(w dns.ResponseWriter, request *dns.Msg) {
	reply := new(dns.Msg).SetReply(request)
	for _, q := range request.Question {
		header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET}
		switch q.Qtype {
		case dns.TypeA:
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)})
		case dns.TypeTXT:
			s.mu.Lock()
			if value, ok := s.txt[strings.ToLower(q.Name)]; ok {
				reply.Answer = append(reply.Answer, &dns.TXT{Hdr: header, Txt: []string{value}})
			}
			s.mu.Unlock()
		}
	}
	w.WriteMsg(reply)
}

func (s *dnsServer) close() error { return s.server.Shutdown() }
