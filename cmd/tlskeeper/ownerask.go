package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/internal/owner"
	"tlskeeper/query"
)

// The questions that root's own commands have for the database.
const (
	askState = "state" // can it be opened?
	askCosts = "costs" // query.Cost since a moment
)

// askTime bounds such a question, beyond what query itself allows.
const askTime = query.DefaultTimeout + 30*time.Second

// ownersAnswer is what the other process prints. It is foreign: whoever owns the
// database can have written it.
type ownersAnswer struct {
	Costs   *query.Costs `json:",omitempty"`
	Problem *problem     `json:",omitempty"`
}

// problem is an error on its way from one process to another.
type problem struct {
	Text    string
	Hint    string
	Missing bool // fs.ErrNotExist
	Denied  bool // fs.ErrPermission
}

func (p *problem) Error() string { return p.Text }

func (p *problem) Is(target error) bool {
	return p.Missing && target == fs.ErrNotExist || p.Denied && target == fs.ErrPermission
}

func problemOf(err error) *problem {
	if err == nil {
		return nil
	}
	return &problem{err.Error(), hint.Of(err), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission)}
}

func (p *problem) err() error {
	if p == nil {
		return nil
	}
	return hint.Wrap(p, p.Hint)
}

// databaseState is the error with which the database at path opens.
func (a *app) databaseState(ctx context.Context, path string) error {
	_, err := a.askDatabase(ctx, handed{Database: path, Question: askState})
	return err
}

// costs asks the history; none, where there is no database, is an fs.ErrNotExist.
func (a *app) costs(ctx context.Context, path string, since time.Time) (*query.Costs, error) {
	return a.askDatabase(ctx, handed{Database: path, Question: askCosts, Since: since})
}

func (a *app) askDatabase(ctx context.Context, h handed) (*query.Costs, error) {
	o, err := ownerOf(h.Database, false)
	if err != nil {
		return nil, err
	}
	if o.IsRoot() {
		return answer(ctx, h)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errors.New("the database did not answer in time"))
	defer cancel()
	out := &reply{}
	if err := a.leave(ctx, o, h, owner.Work{Stdout: out, Stderr: io.Discard}); err != nil {
		return nil, fmt.Errorf("the log database %s: %w", h.Database, err)
	}
	var said ownersAnswer
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		return nil, fmt.Errorf("the log database %s: its owner's answer cannot be read: %v", h.Database, err)
	}
	if said.Costs == nil {
		said.Costs = &query.Costs{}
	}
	return said.Costs, said.Problem.err()
}

// maxReply bounds an answer, in bytes.
const maxReply = 16 << 20

type reply struct{ bytes.Buffer }

func (r *reply) Write(p []byte) (int, error) {
	if r.Len()+len(p) > maxReply {
		return 0, fmt.Errorf("the answer is longer than %d MiB", maxReply>>20)
	}
	return r.Buffer.Write(p)
}

// answer answers h in this process.
func answer(ctx context.Context, h handed) (*query.Costs, error) {
	db, err := query.Open(ctx, h.Database)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if h.Question == askState {
		return nil, nil
	}
	return query.Cost(ctx, db, h.Since)
}

// answerRoot does the work of a process that root started for a question.
func (a *app) answerRoot(ctx context.Context) error {
	var costs *query.Costs
	err := a.handed.reachable()
	if err == nil {
		costs, err = answer(ctx, *a.handed)
	}
	return json.NewEncoder(a.stdout).Encode(ownersAnswer{costs, problemOf(err)})
}
