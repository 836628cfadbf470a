package cloudwatch

import (
	"cmp"
	"slices"
	"time"
)

// The contract of PutLogEvents:
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	MaxBatchBytes  = 1_048_576      // messages in UTF-8, and EventBytes for each
	EventBytes     = 26             // bytes that an event counts beside its message
	MaxBatchEvents = 10_000         //
	maxBatchSpan   = 24 * time.Hour // from the first event to the last
	maxMessage     = MaxBatchBytes - EventBytes
)

// Event is one line as it is sent.
type Event struct {
	ID      int64  // of the row in the store
	Millis  int64  // milliseconds since 1970
	Message string // valid UTF-8, 1 to maxMessage bytes
}

// Cut sorts events by time, equal times staying in order, and cuts them into
// batches that PutLogEvents takes. Lines are written when requests end and
// stamped when they began, so a websocket's line may be a day older than the
// one before it. The batches alias events.
func Cut(events []Event) [][]Event {
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Millis, b.Millis) })
	var batches [][]Event
	start, size := 0, 0
	for i, ev := range events {
		n := len(ev.Message) + EventBytes
		if i > start && (size+n > MaxBatchBytes || i-start == MaxBatchEvents ||
			ev.Millis-events[start].Millis >= maxBatchSpan.Milliseconds()) {
			batches = append(batches, events[start:i:i])
			start, size = i, 0
		}
		size += n
	}
	if start < len(events) {
		batches = append(batches, events[start:])
	}
	return batches
}
