package httpd

import (
	"context"
	"errors"
	"time"
)

// Final is a reason that no further waiting changes.
type Final string

func (f Final) Error() string { return string(f) }

// Poll asks until done, the deadline or the end of ctx. An error from done is
// the reason for the time-out; a final one ends the wait.
func Poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, why := done()
		if ok {
			return nil
		}
		if _, ended := errors.AsType[Final](why); ended {
			return why
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), why)
		case <-tick.C:
		}
	}
}
