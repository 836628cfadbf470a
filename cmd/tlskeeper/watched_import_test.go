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

// What is told there is another user's choice; a progress bar is not made for it.
func TestProgressGoesForwardOnly(t *testing.T) {
	read := make(chan int, 10)
	told, stop, err := counted(func(n int) { read <- n })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := told.WriteString("-5\n99999999999\nx\n7\n"); err != nil {
		t.Fatal(err)
	}
	told.Close()
	if n := <-read; n != 7 {
		t.Errorf("got %d", n)
	}
}
