package logship

import (
	"cmp"
	"slices"
	"time"
)

// The contract of PutLogEvents:
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	maxBatchBytes  = 1_048_576      // messages in UTF-8, and perEvent for each
	perEvent       = 26             // bytes that an event counts beside its message
	maxBatchEvents = 10_000         //
	maxBatchSpan   = 24 * time.Hour // from the first event to the last
	maxMessage     = maxBatchBytes - perEvent
)

// event is one line as it is sent.
type event struct {
	id      int64  // of the row in the store
	millis  int64  // milliseconds since 1970
	message string // valid UTF-8, 1 to maxMessage bytes
}

// cut sorts events by time, equal times staying in order, and cuts them into
// batches that PutLogEvents takes. Lines are written when requests end and
// stamped when they began, so a websocket's line may be a day older than the
// one before it. The batches alias events.
func cut(events []event) [][]event {
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.millis, b.millis) })
	var batches [][]event
	start, size := 0, 0
	for i, ev := range events {
		n := len(ev.message) + perEvent
		if i > start && (size+n > maxBatchBytes || i-start == maxBatchEvents ||
			ev.millis-events[start].millis >= maxBatchSpan.Milliseconds()) {
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
