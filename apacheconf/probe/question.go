package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
)

// Two errors that are not the server's words but what follows from them.
var (
	// errDeclined is a no that is not a fatal alert: another choice than those
	// offered, or a connection closed time after time in answer to one question
	// by a server that goes on answering others.
	errDeclined = errors.New("the server declined")
	// errNotAsked is about a question that there was no time or no sense to put.
	errNotAsked = errors.New("not asked")
)

// isNo tells whether the server itself said no.
func isNo(err error) bool {
	return errors.Is(err, errDeclined) || isRefusal(err) && !isFaint(err)
}

func isAnswer(err error) bool { return err == nil || isNo(err) }

// isFaint tells whether the server gave up rather than declined: closed the
// connection, or sent an alert that it may send to anyone when it has trouble.
func isFaint(err error) bool {
	const closeNotify, internalError, userCanceled = 0, 80, 90
	for _, code := range []byte{closeNotify, internalError, userCanceled} {
		if isAlertOf(err, code) {
			return true
		}
	}
	return isHangup(err)
}

// isAlertOf also knows alerts by the text that crypto/tls gives them, whose
// type is its own.
func isAlertOf(err error, code byte) bool {
	var alert alertError
	var op *net.OpError
	return errors.As(err, &alert) && byte(alert) == code ||
		errors.As(err, &op) && isAlert(err) && op.Err.Error() == tls.AlertError(code).Error()
}

// ask offers something: the reply is the server's choice. The error satisfies
// isNo where the server declined, or chose something that was not offered; any
// other one says why the answer is not known.
func (s *scanner) ask(ctx context.Context, topic string, h hello, flight bool) (*reply, error) {
	var r *reply
	err := s.put(ctx, topic, func(ctx context.Context) error {
		var err error
		if r, err = exchange(ctx, s.t, h, flight); err != nil {
			return err
		}
		return s.offered(h, r)
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// offered is an error where the server picked what was not offered.
func (s *scanner) offered(h hello, r *reply) error {
	if r.version != h.version {
		return fmt.Errorf("%w: it picked another version", errDeclined)
	}
	if !slices.Contains(h.suites, r.suite) || r.group != 0 && !slices.Contains(h.groups, r.group) {
		s.note(fmt.Sprintf("%v: suite %v or group %v was not offered", errMalformed, r.suite, r.group))
		return fmt.Errorf("%w: it picked what was not offered", errDeclined)
	}
	return nil
}

// put puts one question to the server and insists on an answer within bounds:
// nil is yes, an error that satisfies isNo is no, any other error says why
// there is no answer. Where one question of a topic has no answer, the next of
// that topic is put once only.
func (s *scanner) put(ctx context.Context, topic string, question func(context.Context) error) error {
	err := errNotAsked
	if !s.pacer.isSlow() {
		if err = s.among(ctx, question); isAnswer(err) {
			return err
		}
	}
	s.alone.Lock()
	defer s.alone.Unlock()
	if why := s.hopeless(ctx, topic); why != nil {
		if errors.Is(err, errNotAsked) || errors.Is(why, errNotAsked) {
			return why
		}
		return err
	}
	if err = s.insist(ctx, question, err); !isAnswer(err) {
		s.stuck[topic] = err
	}
	return err
}

// among puts a question while others are open.
func (s *scanner) among(ctx context.Context, question func(context.Context) error) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return fmt.Errorf("%w: the time for the whole scan was over", errNotAsked)
	}
	s.alone.RLock()
	defer s.alone.RUnlock()
	if why := s.gone.Load(); why != nil {
		return *why
	}
	return question(ctx)
}

// hopeless is why a question is not put again.
func (s *scanner) hopeless(ctx context.Context, topic string) error {
	if why := s.gone.Load(); why != nil {
		return *why
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: the time for the whole scan was over", errNotAsked)
	}
	return s.stuck[topic]
}

// insist puts a question alone on the wire: again where it was put before, else
// up to twice. A server that was not heard must first answer what it has
// answered before.
func (s *scanner) insist(ctx context.Context, question func(context.Context) error, before error) error {
	err, silences := before, 0
	for range 2 {
		if !isFaint(err) && !errors.Is(err, errNotAsked) {
			if silences++; silences == 2 || !s.reaches(ctx, err) {
				return err
			}
		}
		now := s.twice(ctx, question)
		s.unsteady = s.unsteady || isFaint(err) && isAnswer(now)
		if err = now; isAnswer(err) {
			return err
		}
		if isFaint(err) && s.stillAnswers(ctx) {
			s.hangups++
			return fmt.Errorf("%w: %w", errDeclined, err)
		}
		if isFaint(err) {
			s.unsteady = true
			if !s.reaches(ctx, err) {
				return err
			}
		}
	}
	return err
}

// twice puts a question again at once where the server hangs up: something
// that resets every second connection does not reset two in a row.
func (s *scanner) twice(ctx context.Context, question func(context.Context) error) error {
	err := question(ctx)
	if !isFaint(err) {
		return err
	}
	again := question(ctx)
	s.unsteady = s.unsteady || isAnswer(again)
	return again
}

// stillAnswers tells whether the server answers what it has answered before.
func (s *scanner) stillAnswers(ctx context.Context) bool {
	_, err := exchange(ctx, s.t, s.control.hello, false)
	return isAnswer(err) && isNo(err) == s.control.declined
}

// reaches finds out whether the server still answers at all; if not, no more is
// asked. One that was silent is asked slowly from now on.
func (s *scanner) reaches(ctx context.Context, after error) bool {
	if errors.Is(after, errMalformed) && s.stillAnswers(ctx) {
		return true
	}
	s.pacer.slow(s.t.Pace.Pause)
	for range 2 {
		if s.stillAnswers(ctx) {
			return true
		}
		pause(ctx, s.t.Pace.Pause)
	}
	why := fmt.Errorf("%w: the server had stopped answering", errNotAsked)
	s.gone.Store(&why)
	return false
}
