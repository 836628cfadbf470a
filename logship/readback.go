package logship

import (
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

// doubts are the batches of which nobody knows whether the service took them:
// the connection broke, or what answered was not the service. Before they are
// sent again, the stream is read, and what it has is not sent.
//
// To take a line for shipped that is not would be a loss, to ship it twice is
// none. So an event counts only if the service took it in after the doubtful
// attempt began, by the service's own clock, and if it is not one of those that
// were acknowledged around that time: two logs, or a line that came late, can
// have an equal line in the same millisecond. The service shows new events to
// readers some seconds later; until then the lines are sent twice.
type doubts struct {
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

func newDoubts(log *slog.Logger, blur time.Duration) *doubts {
	return &doubts{log: log, blur: blur, started: time.Now(), rows: map[int64]bool{}, seed: maphash.MakeSeed()}
}

// isAmbiguous tells whether the call may have been carried out. A client's
// fault is an answer of the service; everything else may hide a yes.
func isAmbiguous(err error) bool {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return !isUnsigned(err) && (!ok || answer.HTTPStatusCode() < 400 || answer.HTTPStatusCode() >= 500)
}

func (d *doubts) key(millis int64, message string) uint64 {
	return maphash.String(d.seed, strconv.FormatInt(millis, 10)+" "+message)
}

// add notes that batch, sent at began, is in doubt.
func (d *doubts) add(batch []event, began time.Time) {
	if d.denied || began.Sub(d.started) < d.blur {
		return
	}
	if len(d.rows) == 0 {
		d.since = began
	}
	for _, ev := range batch {
		d.rows[ev.id] = true
	}
}

// settled notes that the service answered for batch, which is in doubt no more.
func (d *doubts) settled(batch []event) {
	if d.denied {
		return
	}
	ack := acknowledged{at: time.Now()}
	for _, ev := range batch {
		delete(d.rows, ev.id)
		ack.keys = append(ack.keys, d.key(ev.millis, ev.message))
	}
	for len(d.rows) == 0 && len(d.acked) > 0 && ack.at.Sub(d.acked[0].at) > ackedFor {
		d.acked = d.acked[1:]
	}
	d.acked = append(d.acked, ack)
}

// sift parts batch into what is in the stream and what must be sent. When the
// stream cannot be read now, the error says so.
func (d *doubts) sift(ctx context.Context, c *CloudWatch, batch []event) (there, missing []event, err error) {
	var first, last int64
	for _, ev := range batch {
		if d.rows[ev.id] {
			if first == 0 {
				first = ev.millis
			}
			last = ev.millis
		}
	}
	if last == 0 || d.denied {
		return nil, batch, nil
	}
	counts, err := d.read(ctx, c, first, last)
	if err != nil {
		return nil, batch, d.unread(err)
	}
	d.failed = 0
	for _, ev := range batch {
		if k := d.key(ev.millis, ev.message); d.rows[ev.id] && counts[k] > 0 {
			counts[k]--
			there = append(there, ev)
		} else {
			missing = append(missing, ev)
		}
	}
	return there, missing, nil
}

// unread decides what a failure to read means: nil to send without.
func (d *doubts) unread(err error) error {
	if isMissing(err) {
		return nil
	}
	if isDenied(err) {
		d.log.Info("after a broken connection lines can be in CloudWatch twice, because logs:GetLogEvents is not allowed")
		d.denied, d.rows, d.acked = true, nil, nil
		return nil
	}
	if d.failed++; d.failed >= maxReads {
		d.failed = 0
		return nil
	}
	return fmt.Errorf("reading back what was shipped: %w", plainly(err))
}

// read counts the events from first to last that only doubtful attempts can
// have brought into the stream.
func (d *doubts) read(ctx context.Context, c *CloudWatch, first, last int64) (map[uint64]int, error) {
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
		d.count(counts, out.Events, d.since.Add(now.Sub(asked)).Add(-d.blur).UnixMilli())
		if in.NextToken != nil && *in.NextToken == aws.ToString(out.NextForwardToken) {
			break
		}
		in.NextToken = out.NextForwardToken
	}
	for _, ack := range d.acked {
		for _, k := range ack.keys {
			counts[k]--
		}
	}
	return counts, nil
}

func (d *doubts) count(counts map[uint64]int, events []types.OutputLogEvent, since int64) {
	for _, ev := range events {
		if aws.ToInt64(ev.IngestionTime) >= since {
			counts[d.key(aws.ToInt64(ev.Timestamp), aws.ToString(ev.Message))]++
		}
	}
}

func (c *CloudWatch) getOnce(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.api.GetLogEvents(ctx, in)
}
