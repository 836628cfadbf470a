package apacheconf

import (
	"context"
	"errors"
	"time"

	"tlskeeper/apacheconf/plan"
)

// Past is the newest change that Rollback would undo.
type Past struct {
	Started time.Time `json:"started"`
	Command string    `json:"command"` // "apache adopt www.example.org"; "" for a change of an older tlskeeper
	CutOff  bool      `json:"cut_off"` // it never ended; every next run undoes it first
	Plan    *Plan     `json:"-"`       // of the undoing; nil where CutOff
}

// Last tells what Rollback would do, and changes nothing. It returns
// ErrNothingToUndo where there is nothing.
func Last(ctx context.Context, cfg Config, u Undo) (*Past, error) {
	if j, err := readJournal(journalPath(cfg)); j != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return &Past{Started: j.Started, Command: j.Command, CutOff: true}, nil
	}
	_, _, past, err := newest(ctx, cfg, u)
	return past, err
}

// newest is the number of the newest entry of the history, what it was, and the
// server that the plan of its undoing is for.
func newest(ctx context.Context, cfg Config, u Undo) (number int, s *Server, past *Past, err error) {
	numbers := history(cfg)
	if len(numbers) == 0 {
		return 0, nil, nil, ErrNothingToUndo
	}
	number = numbers[len(numbers)-1]
	j, err := readJournal(entry(cfg, number))
	if err == nil && j == nil {
		err = errors.New("rolling back: another run was at it meanwhile")
	}
	if err != nil {
		return 0, nil, nil, err
	}
	if s, err = Discover(ctx, cfg); err != nil {
		return 0, nil, nil, err
	}
	p, err := plan.Inverse(s.Server, j.Files, u)
	if err != nil {
		return 0, nil, nil, err
	}
	return number, s, &Past{Started: j.Started, Command: j.Command, Plan: p}, nil
}
