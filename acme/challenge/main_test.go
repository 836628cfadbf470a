package challenge

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// presentVariable holds the webroot of a child process of a test: the test
// binary again, which puts one proof there and ends.
const presentVariable = "TLSKEEPER_CHALLENGE_CHILD"

// listenVariable holds, in JSON, the Way by which a child process proves.
const listenVariable = "TLSKEEPER_CHALLENGE_LISTENS"

func TestMain(m *testing.M) {
	if told := os.Getenv(listenVariable); told != "" {
		var way Way
		err := json.Unmarshal([]byte(told), &way)
		if err == nil {
			err = listen(way)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	dir := os.Getenv(presentVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	syscall.Umask(0o077)
	if err := newWebroot(dir).Present(context.Background(), testProof); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func presenting(dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), presentVariable+"="+dir)
	return cmd
}
