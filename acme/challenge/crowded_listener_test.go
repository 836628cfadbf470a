package challenge

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listen is what a child process does that proves by a listener of ours, with
// few descriptors: it says "ready", and ends with its standard input.
func listen(way Way) error {
	few := unix.Rlimit{Cur: 100, Max: 100}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		return err
	}
	s, err := New(way)
	if err != nil {
		return err
	}
	if err := s.Present(context.Background(), testProof); err != nil {
		return err
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	return s.Close()
}

// listening starts such a process and returns its address.
func listening(t *testing.T, kind string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	told, err := json.Marshal(Way{Type: kind, Listen: address})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), listenVariable+"="+string(told))
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return address
}

// answersTo asks as a CA does.
var answersTo = map[string]func(ctx context.Context, address string) error{
	TLSALPN01: func(ctx context.Context, address string) error {
		dialer := tls.Dialer{Config: &tls.Config{ServerName: testProof.Name, NextProtos: []string{alpnProtocol}, InsecureSkipVerify: true}}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	},
	HTTP01: func(ctx context.Context, address string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/.well-known/acme-challenge/"+testProof.Token, nil)
		if err != nil {
			return err
		}
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if body, err := io.ReadAll(answer.Body); string(body) != testProof.KeyAuth {
			return fmt.Errorf("got %q, %v", body, err)
		}
		return nil
	},
}

// More strangers connect than there are descriptors, and say nothing. The CA is
// answered while they are there, and after they have gone.
func TestMoreConnectionsThanDescriptors(t *testing.T) {
	for kind, ask := range answersTo {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := listening(t, kind)
			eventually := func(when string) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if err := ask(ctx, address); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
			}
			eventually("before")
			var strangers []net.Conn
			for range 400 {
				conn, err := net.DialTimeout("tcp", address, 10*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				strangers = append(strangers, conn)
			}
			eventually("in the crowd")
			for _, conn := range strangers {
				conn.Close()
			}
			eventually("after it")
		})
	}
}

// Descriptors may also be used up by something else in the process.
func TestAcceptFailsForAWhile(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := bounded(&exhausted{Listener: inner, times: 3})
	conn, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
	inner.Close()
	if _, err := l.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}

// exhausted is a listener that has no descriptor the first times.
type exhausted struct {
	net.Listener
	times int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.times--; e.times >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", unix.EMFILE)}
	}
	return e.Listener.Accept()
}
