package main

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Another process of the user's can take the pipe on which the progress of an
// import is told (pidfd_getfd(2)), and keep it open.
func TestAProgressPipeThatIsKeptOpenIsNotWaitedFor(t *testing.T) {
	told, stop, err := counted(func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := unix.Dup(int(told.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(kept)
	told.Close()
	done := make(chan struct{})
	go func() {
		stop()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("it is waited for")
	}
}
