package cloudwatch

import (
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"tlskeeper/logship/store"
)

// Answer is what the service said of the events of a batch.
type Answer struct {
	Accepted []int64          // rows in the store
	Rejected []store.Rejected // for good
}

// All is the answer that accepts a whole batch.
func All(batch []Event) (a Answer) { return sortAnswer(batch, nil) }

// sortAnswer reads rejectedLogEventsInfo: ends of the old are exclusive, the
// start of the new is inclusive (API_RejectedLogEventsInfo.html).
func sortAnswer(batch []Event, info *types.RejectedLogEventsInfo) (a Answer) {
	tooOld, expired, tooNew := 0, 0, len(batch)
	if info != nil {
		tooOld = index(info.TooOldLogEventEndIndex, 0)
		expired = index(info.ExpiredLogEventEndIndex, 0)
		tooNew = index(info.TooNewLogEventStartIndex, len(batch))
	}
	for i, ev := range batch {
		switch {
		case i < tooOld:
			a.Rejected = append(a.Rejected, store.Rejected{ID: ev.ID, Reason: "too old"})
		case i < expired:
			a.Rejected = append(a.Rejected, store.Rejected{ID: ev.ID, Reason: "expired"})
		case i >= tooNew:
			a.Rejected = append(a.Rejected, store.Rejected{ID: ev.ID, Reason: "too new"})
		default:
			a.Accepted = append(a.Accepted, ev.ID)
		}
	}
	return a
}

func index(n *int32, absent int) int {
	if n == nil {
		return absent
	}
	return int(*n)
}
