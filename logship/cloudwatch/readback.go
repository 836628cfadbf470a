package cloudwatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Unconfirmed are the batches of which nobody knows whether the service took them:
// the connection broke, or what answered was not the service. Before they are
// sent again, the stream is read, and what it has is not sent.
//
// To take a line for shipped that is not would be a loss, to ship it twice is
// none. So an event counts only if the service took it in after the doubtful
// attempt began, by the service's own clock, and if it is not one of those that
// were acknowledged around that time: two logs, or a line that came late, can
// have an equal line in the same millisecond. The service shows new events to
// readers some seconds later; until then the lines are sent twice.
type Unconfirmed struct {
	log     *slog.Logger
	blur    time.Duration // how far two clocks, compared by a Date header, may be apart
	started time.Time
	denied  bool // the credentials may not read
	failed  int  // attempts to read that failed, in a row

	rows  map[int64]bool // rows in doubt
	since time.Time      // when the first of them was sent, by our clock

	seed  maphash.Seed
	acked []acknowledged // of late
}

type acknowledged struct {
	at   time.Time
	keys []uint64
}

const (
	clockBlur = 3 * time.Second // Date has whole seconds, and the way to it takes time
	// ackedFor covers the blur on both sides.
	ackedFor = 3 * clockBlur
	maxReads = 3   // failures to read in a row, before the lines are sent unread
	maxPages = 100 // of 1 MiB
)

// NewUnconfirmed is of a process that begins now. blur is how far two clocks that are
// compared by a Date header may be apart; 0 means 3 s.
func NewUnconfirmed(log *slog.Logger, blur time.Duration) *Unconfirmed {
	return &Unconfirmed{log: log, blur: cmp.Or(blur, clockBlur), started: time.Now(), rows: map[int64]bool{}, seed: maphash.MakeSeed()}
}

// IsAmbiguous tells whether the call may have been carried out. A client's
// fault is an answer of the service; everything else may hide a yes.
func IsAmbiguous(err error) bool {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return !isUnsigned(err) && (!ok || answer.HTTPStatusCode() < 400 || answer.HTTPStatusCode() >= 500)
}

func (u *Unconfirmed) key(millis int64, message string) uint64 {
	return maphash.String(u.seed, strconv.FormatInt(millis, 10)+" "+message)
}

// Add notes that batch, sent at began, is in doubt.
func (u *Unconfirmed) Add(batch []Event, began time.Time) {
	if u.denied || began.Sub(u.started) < u.blur {
		return
	}
	if len(u.rows) == 0 {
		u.since = began
	}
	for _, ev := range batch {
		u.rows[ev.ID] = true
	}
}

// Settled notes that the service answered for batch, which is in doubt no more.
func (u *Unconfirmed) Settled(batch []Event) {
	if u.denied {
		return
	}
	ack := acknowledged{at: time.Now()}
	for _, ev := range batch {
		delete(u.rows, ev.ID)
		ack.keys = append(ack.keys, u.key(ev.Millis, ev.Message))
	}
	for len(u.rows) == 0 && len(u.acked) > 0 && ack.at.Sub(u.acked[0].at) > ackedFor {
		u.acked = u.acked[1:]
	}
	u.acked = append(u.acked, ack)
}

// AlreadyThere parts batch into what is in the stream and what must be sent. When the
// stream cannot be read now, the error says so.
func (u *Unconfirmed) AlreadyThere(ctx context.Context, c *Client, batch []Event) (there, missing []Event, err error) {
	var first, last int64
	for _, ev := range batch {
		if u.rows[ev.ID] {
			if first == 0 {
				first = ev.Millis
			}
			last = ev.Millis
		}
	}
	if last == 0 || u.denied {
		return nil, batch, nil
	}
	counts, err := u.read(ctx, c, first, last)
	if err != nil {
		return nil, batch, u.unread(err)
	}
	u.failed = 0
	for _, ev := range batch {
		if k := u.key(ev.Millis, ev.Message); u.rows[ev.ID] && counts[k] > 0 {
			counts[k]--
			there = append(there, ev)
		} else {
			missing = append(missing, ev)
		}
	}
	return there, missing, nil
}

// unread decides what a failure to read means: nil to send without.
func (u *Unconfirmed) unread(err error) error {
	if isMissing(err) {
		return nil
	}
	if isDenied(err) {
		u.log.Info("after a broken connection lines can be in CloudWatch twice, because logs:GetLogEvents is not allowed")
		u.denied, u.rows, u.acked = true, nil, nil
		return nil
	}
	if u.failed++; u.failed >= maxReads {
		u.failed = 0
		return nil
	}
	return fmt.Errorf("reading back what was shipped: %w", plainly(err))
}

// read counts the events from first to last that only doubtful attempts can
// have brought into the stream.
func (u *Unconfirmed) read(ctx context.Context, c *Client, first, last int64) (map[uint64]int, error) {
	counts := map[uint64]int{}
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &c.group, LogStreamName: &c.stream,
		StartFromHead: aws.Bool(true), StartTime: &first, EndTime: aws.Int64(last + 1)}
	for range maxPages {
		asked := time.Now()
		out, err := c.getOnce(ctx, in)
		if err != nil {
			return nil, err
		}
		now, ok := middleware.GetServerTime(out.ResultMetadata)
		if !ok {
			return map[uint64]int{}, nil // not a service with a clock: nothing can be told
		}
		u.count(counts, out.Events, u.since.Add(now.Sub(asked)).Add(-u.blur).UnixMilli())
		if in.NextToken != nil && *in.NextToken == aws.ToString(out.NextForwardToken) {
			break
		}
		in.NextToken = out.NextForwardToken
	}
	for _, ack := range u.acked {
		for _, k := range ack.keys {
			counts[k]--
		}
	}
	return counts, nil
}

func (u *Unconfirmed) count(counts map[uint64]int, events []types.OutputLogEvent, since int64) {
	for _, ev := range events {
		if aws.ToInt64(ev.IngestionTime) >= since {
			counts[u.key(aws.ToInt64(ev.Timestamp), aws.ToString(ev.Message))]++
		}
	}
}

func (c *Client) getOnce(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.api.GetLogEvents(ctx, in)
}
