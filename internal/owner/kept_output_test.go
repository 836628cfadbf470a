package owner

import (
	"errors"
	"io"
	"os/exec"
	"testing"
	"time"
)

// The user can keep the end on which the work writes, and write on after it.
func TestOutputThatIsKeptOpenIsNotWaitedFor(t *testing.T) {
	needRoot(t)
	done := make(chan error, 1)
	go func() {
		done <- Owner{someone, someone}.Run(t.Context(), Work{Env: []string{childWork + "=leave"}, Stdout: io.Discard, Stderr: io.Discard, Grace: 100 * time.Millisecond})
	}()
	select {
	case err := <-done:
		if !errors.Is(err, exec.ErrWaitDelay) {
			t.Errorf("got %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("root reads for ever")
	}
}
