// Command tlskeeper keeps the TLS of one Apache httpd host: certificates over
// ACME, the hardened configuration with proof, the TLS access log and
// questions about it. A command parses its flags, calls one function of a
// package and prints; nothing here decides anything else.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	code := a.run(ctx, os.Args)
	stop()
	os.Exit(code)
}
