package renewal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tlskeeper/acme/store"
	"tlskeeper/internal/child"
	"tlskeeper/internal/safepath"
)

// Hooks are programs of the user, as lists of arguments: no shell sees them.
// One that others may change is not run, which is a failure of it.
// Their environment is PATH, LANG and
//
//	pre, post  TLSKEEPER_CERTIFICATES  names of the certificates that are due, with blanks between
//	deploy     TLSKEEPER_CERTIFICATE   name of the certificate
//	           TLSKEEPER_NAMES         its DNS names and addresses, with blanks between
//	           TLSKEEPER_DIR           directory of the generation
//	           TLSKEEPER_FULLCHAIN     path of the certificate with its chain
//	           TLSKEEPER_KEY           path of the private key
//
// pre runs before something is issued, and its failure keeps it from being
// issued; post runs after it, whatever came of it; deploy runs once for each
// generation that is being served, and again in the next run if it failed.
type Hooks struct {
	Pre, Deploy, Post []string
	Timeout           time.Duration // of each; 0 is two minutes
}

const defaultHookTimeout = 2 * time.Minute

func (h Hooks) pre(ctx context.Context, due []string) error {
	return h.run(ctx, "pre", h.Pre, "TLSKEEPER_CERTIFICATES="+strings.Join(due, " "))
}

func (h Hooks) post(ctx context.Context, due []string) error {
	return h.run(ctx, "post", h.Post, "TLSKEEPER_CERTIFICATES="+strings.Join(due, " "))
}

func (h Hooks) deploy(ctx context.Context, g store.Generation) error {
	return h.run(ctx, "deploy", h.Deploy,
		"TLSKEEPER_CERTIFICATE="+g.Name, "TLSKEEPER_NAMES="+strings.Join(g.Meta.Names, " "),
		"TLSKEEPER_DIR="+g.Dir, "TLSKEEPER_FULLCHAIN="+g.ChainFile(), "TLSKEEPER_KEY="+g.KeyFile())
}

func (h Hooks) run(ctx context.Context, which string, argv []string, env ...string) error {
	if len(argv) == 0 {
		return nil
	}
	timeout := h.Timeout
	if timeout <= 0 {
		timeout = defaultHookTimeout
	}
	env = append(child.MinimalEnv(), env...)
	argv, err := safepath.Command(argv, env)
	if err == nil {
		_, err = child.Run(ctx, child.Cmd{Argv: argv, Env: env, Timeout: timeout})
	}
	if failed, ok := errors.AsType[*child.ExitError](err); ok {
		return called(failed, which+" hook")
	}
	if err != nil {
		return fmt.Errorf("running the %s hook: %w", which, err)
	}
	return nil
}

// hookWords is how much of a hook's standard error its failure repeats, in
// bytes: on the terminal and in the journal of root, and nowhere else.
const hookWords = 500

// called is the failure under another name, with fewer words.
func called(failed *child.ExitError, name string) error {
	words := bytes.TrimSpace(failed.Result.Stderr)
	if len(words) > hookWords {
		words = append([]byte("..."), words[len(words)-hookWords:]...)
	}
	short := *failed
	short.Argv0, short.Result.Stderr = name, bytes.ToValidUTF8(words, nil)
	return &short
}
