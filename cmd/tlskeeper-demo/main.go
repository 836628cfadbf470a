// Command demo runs tlskeeper's main job on real parts, on loopback, in a
// temporary root: a real Apache, a real ACME CA (Pebble), the real AWS SDK
// against an endpoint that speaks its protocol. `make demo` runs it. It ends
// with a comparison of what was sent, stored and shipped, and cleans up.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit bounds a whole demo, so that a hung part cannot keep it for ever.
const limit = 5 * time.Minute

func main() {
	binary := flag.String("binary", "bin/tlskeeper", "the tlskeeper to show")
	flag.Parse()
	ctx, stop := signal.NotifyContext(background(), endings()...)
	defer stop()
	// A reader that left is an error of the write, so that there is time to
	// clean up. Ignoring the signal instead would be inherited by what we start.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := demo(bounded, *binary); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "demo: interrupted; what it had started and made is gone")
			os.Exit(130)
		}
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// endings are the signals with which a person or a system ends a program:
// Ctrl-C and its like, and the closing of the terminal, unless nohup wants
// that to pass unnoticed.
func endings() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// background is for what must happen whether or not the demo was interrupted.
func background() context.Context { return context.Background() }

// demo makes the root and the parts, runs the steps, and takes all away again.
func demo(ctx context.Context, binary string) (err error) {
	begin := time.Now()
	ctx, unseen := context.WithCancelCause(ctx)
	defer unseen(nil)
	out := screen{os.Stdout, unseen}
	r, err := newRoot()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.remove()) }()
	out.heading("Setting up an Apache with an old configuration, an ACME CA and a log service, all in %s", r.dir)
	p, err := startParts(ctx, r)
	defer func() { err = errors.Join(err, p.stop()) }()
	if err != nil {
		return err
	}
	if err := play(ctx, out, r, p, binary); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return context.Cause(ctx) // and not what the steps say that were cut off
		}
		return err
	}
	out.print("\nAll of it took %.0f s. Nothing is left behind.\n", time.Since(begin).Seconds())
	return context.Cause(ctx)
}
