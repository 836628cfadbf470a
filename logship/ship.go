package logship

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"tlskeeper/internal/hint"
	"tlskeeper/logship/cloudwatch"
	"tlskeeper/logship/store"
	"tlskeeper/logship/tally"
)

const (
	// pendingBytes is how much of the queue is taken into memory at a time: two
	// full batches.
	pendingBytes = 2 * cloudwatch.MaxBatchBytes
	minPending   = 64   // rows; the longest lines there can be are 1 MiB
	firstPending = 1000 // rows, before the length of lines is known
)

// shipper sends what the store has queued, batch by batch, in order. An answer
// that is not a clear yes leaves the batch in the queue, so the service may get
// it twice and never not at all.
type shipper struct {
	store *store.Store
	cloud *cloudwatch.Client
	tally *tally.Tally
	log   *slog.Logger
	now   func() time.Time
	wake  chan struct{} // the follower stored something
	flush time.Duration // how long lines may gather into a batch
	first time.Duration // back-off after the first failure; doubles
	most  time.Duration // back-off at most
	limit int           // rows to ask the store for
	// unconfirmed keeps lines from being sent twice, where it can.
	unconfirmed *cloudwatch.Unconfirmed
	// unmarked is what the service answered for and the store could not note, being
	// on a full disk. Nothing more is sent until it is noted.
	unmarked cloudwatch.Answer
}

// run ships until ctx ends, then once more what is left, as long as the batch
// in flight and grace allow.
func (s *shipper) run(ctx context.Context, grace time.Duration) {
	sending, cancel := graceful(ctx, grace)
	defer cancel()
	var failures int
	for ctx.Err() == nil {
		if err := s.empty(ctx, sending); err != nil {
			failures++
			s.failed(ctx, err)
			pause(ctx, s.backoff(failures))
			continue
		}
		failures = 0
		s.succeeded()
		s.await(ctx)
	}
	if failures > 0 {
		return // the service was away a moment ago: what is left is kept
	}
	if err := s.empty(sending, sending); err != nil {
		s.log.Warn("shipping the rest before the stop: it is kept for the next start", "err", err)
	}
}

// maxAttempts is how often a single run tries: some ten seconds in all.
const maxAttempts = 5

// attempts empties the queue for a single run, and gives up some time.
func (s *shipper) attempts(ctx context.Context) error {
	for n := 1; ; n++ {
		err := s.empty(ctx, ctx)
		hopeless := err != nil && cloudwatch.IsHopeless(err)
		if err == nil || ctx.Err() != nil || hopeless || n == maxAttempts {
			return s.left(ctx, err)
		}
		pause(ctx, s.backoff(n))
	}
}

// left says how much was not shipped.
func (s *shipper) left(ctx context.Context, err error) error {
	if err == nil {
		return context.Cause(ctx)
	}
	n, _, failed := s.store.Backlog(context.WithoutCancel(ctx))
	if failed != nil {
		return err
	}
	s.tally.Failed("ship", cloudwatch.KindOf(err), err, s.now())
	text := cmp.Or(hint.Of(err), "run it again: the lines are kept")
	return hint.Wrap(fmt.Errorf("%d lines are not shipped: %w", n, err), text)
}

// graceful returns a context that outlives ctx by grace, so that a batch in
// flight is answered and not repeated.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return sending, func() { stop(); cancel() }
}

// await waits for new lines, and then a little for more of them.
func (s *shipper) await(ctx context.Context) {
	select {
	case <-s.wake:
		pause(ctx, s.flush)
	case <-ctx.Done():
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// backoff grows twofold up to most; its jitter, half of it, spreads a fleet
// that lost the service at the same moment.
func (s *shipper) backoff(failures int) time.Duration {
	d := s.most
	if failures < 20 { // no overflow
		d = min(d, s.first<<(failures-1))
	}
	return d/2 + rand.N(d/2+1)
}

// empty ships until the queue is empty or ctx ends; requests run under sending.
func (s *shipper) empty(ctx, sending context.Context) error {
	if err := s.note(sending); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := s.store.RoomToNote(sending); err != nil { // else each batch would be sent again
			return fmt.Errorf("reading the queue: %w", err)
		}
		rows, err := s.store.Pending(sending, 0, s.limit)
		if err != nil {
			return fmt.Errorf("reading the queue: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		s.learn(rows)
		if err := s.shipRows(ctx, sending, rows); err != nil {
			return err
		}
	}
	return nil
}

// learn fits the number of rows to their length, so that memory stays bounded
// whatever lines hold.
func (s *shipper) learn(rows []store.Event) {
	total := 1
	for _, r := range rows {
		total += len(r.Raw) + cloudwatch.EventBytes
	}
	s.limit = min(max(len(rows)*pendingBytes/total, minPending), 2*cloudwatch.MaxBatchEvents)
}

func (s *shipper) shipRows(ctx, sending context.Context, rows []store.Event) error {
	events, unfit := s.events(rows)
	if len(unfit) > 0 {
		if err := s.mark(sending, nil, unfit); err != nil {
			return err
		}
	}
	for _, batch := range cloudwatch.Cut(events) {
		if ctx.Err() != nil {
			return nil
		}
		if err := s.shipBatch(sending, batch); err != nil {
			return err
		}
	}
	return nil
}

// events makes messages of rows. A row that has none is unfit.
func (s *shipper) events(rows []store.Event) (events []cloudwatch.Event, unfit []store.Rejected) {
	events = make([]cloudwatch.Event, 0, len(rows))
	shortened := 0
	for _, r := range rows {
		text, whole := s.cloud.Message(r.Raw)
		if text == "" {
			unfit = append(unfit, store.Rejected{ID: r.ID, Reason: "empty"})
			continue
		}
		if !whole {
			shortened++
		}
		events = append(events, cloudwatch.Event{ID: r.ID, Millis: max(r.Millis, 0), Message: text})
	}
	if shortened > 0 {
		s.log.Warn("lines longer than CloudWatch takes are shipped shortened", "lines", shortened)
	}
	return events, unfit
}

// shipBatch sends one batch and takes it from the queue. When the service finds
// fault with an event, the batch is halved until that one stands alone: one bad
// line must not hold up or take along the others.
func (s *shipper) shipBatch(ctx context.Context, batch []cloudwatch.Event) error {
	batch, err := s.missing(ctx, batch)
	if err != nil || len(batch) == 0 {
		return err
	}
	began := time.Now()
	answer, err := s.cloud.Put(ctx, batch)
	switch {
	case err == nil:
		return s.settle(ctx, batch, answer)
	case !cloudwatch.IsRefused(err):
		if cloudwatch.IsAmbiguous(err) {
			s.unconfirmed.Add(batch, began)
		}
		return fmt.Errorf("shipping to %s: %w", s.cloud, err)
	case len(batch) == 1:
		s.unconfirmed.Settled(batch)
		s.log.Warn("CloudWatch refuses a line: it stays here only", "row", batch[0].ID, "err", err)
		return s.mark(ctx, nil, []store.Rejected{{ID: batch[0].ID, Reason: "refused"}})
	}
	half := len(batch) / 2
	if err := s.shipBatch(ctx, batch[:half]); err != nil {
		return err
	}
	return s.shipBatch(ctx, batch[half:])
}

// missing takes from the queue what an answer that was lost had confirmed, and
// returns the rest.
func (s *shipper) missing(ctx context.Context, batch []cloudwatch.Event) ([]cloudwatch.Event, error) {
	there, missing, err := s.unconfirmed.AlreadyThere(ctx, s.cloud, batch)
	if err != nil {
		return nil, fmt.Errorf("shipping to %s: %w", s.cloud, err)
	}
	if len(there) == 0 {
		return missing, nil
	}
	s.log.Debug("lines are in CloudWatch though no answer came", "lines", len(there))
	return missing, s.settle(ctx, there, cloudwatch.All(there))
}

// settle takes from the queue what the service answered for.
func (s *shipper) settle(ctx context.Context, batch []cloudwatch.Event, answer cloudwatch.Answer) error {
	s.unconfirmed.Settled(batch)
	if n := len(answer.Rejected); n > 0 {
		s.log.Warn("CloudWatch rejected lines: they stay here only",
			"lines", n, "reason", answer.Rejected[0].Reason, "of", len(batch))
	}
	return s.mark(ctx, answer.Accepted, answer.Rejected)
}

func (s *shipper) mark(ctx context.Context, ids []int64, rejected []store.Rejected) error {
	s.unmarked.Accepted = append(s.unmarked.Accepted, ids...)
	s.unmarked.Rejected = append(s.unmarked.Rejected, rejected...)
	return s.note(ctx)
}

// note enters into the store what is unmarked there.
func (s *shipper) note(ctx context.Context) error {
	unmarked := s.unmarked
	if len(unmarked.Accepted)+len(unmarked.Rejected) == 0 {
		return nil
	}
	// The answer is here: a stop must not keep it from the store.
	if err := s.store.MarkShipped(context.WithoutCancel(ctx), unmarked.Accepted, unmarked.Rejected); err != nil {
		return fmt.Errorf("noting what was shipped: %w", err)
	}
	s.unmarked = cloudwatch.Answer{}
	s.tally.Shipped(len(unmarked.Accepted), len(unmarked.Rejected), s.now())
	return nil
}

// failed says an error when it is news; the next attempts are silent.
func (s *shipper) failed(ctx context.Context, err error) {
	if s.tally.Failed("ship", cloudwatch.KindOf(err), err, s.now()) && ctx.Err() == nil {
		tally.Warn(s.log, "shipping: the lines are kept and tried again", err)
	}
}

func (s *shipper) succeeded() {
	if s.tally.Cleared("ship") {
		s.log.Info("shipping goes on", "destination", s.cloud.String())
	}
}
