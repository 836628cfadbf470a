package main

import (
	"testing"

	"tlskeeper/apacheconf/apachetest"
)

// A host serves one certificate of ours, and another of the same name is to be
// put there: refused with what to type, and that works, and so does the way
// back.
func TestAdoptASecondCertificate(t *testing.T) {
	s := newApacheShell(t)
	s.addCertificate("a.test-rsa", apachetest.Leaf{Names: []string{"a.test"}, KeyType: "rsa2048"})
	s.run(exitOK, "adopt a.test --yes", "done: ")
	adopted := s.read()
	s.run(exitRefused, "adopt a.test-rsa --yes", "serve certificate a.test", "hint: tlskeeper apache adopt a.test-rsa --instead")
	if s.read() != adopted {
		t.Errorf("the refusal changed\n%s", s.read())
	}
	s.run(exitOK, "adopt --all --yes", "not served: ")
	s.run(exitOK, "status", "certificate a.test: ")
	s.run(exitUsage, "adopt --all --instead", "--instead wants the names")
	s.run(exitOK, "adopt a.test-rsa --instead --yes", "done: ")
	s.run(exitOK, "apply --yes", "done: ")
	s.run(exitOK, "status", "certificate a.test-rsa: ")
	s.run(exitOK, "rollback --yes", "done: ")
	s.run(exitOK, "rollback --dry-run", "apache adopt a.test-rsa --instead")
	s.run(exitOK, "rollback --yes", "done: ")
	if s.read() != adopted {
		t.Errorf("after the rollback\n%s", s.read())
	}
	for range 2 { // --all installed the include of the second, and the adoption
		s.run(exitOK, "rollback --yes", "done: ")
	}
	s.asBefore()
}
