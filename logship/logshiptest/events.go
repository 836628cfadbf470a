package logshiptest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The contract of PutLogEvents:
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	maxBatchBytes  = 1_048_576 // sum of messages in UTF-8 and perEvent for each
	perEvent       = 26
	maxBatchEvents = 10_000
	maxSpan        = 24 * time.Hour      // between the first and the last valid event
	tooOld         = 14 * 24 * time.Hour // or the group's retention
	tooNew         = 2 * time.Hour
)

// A Put is one accepted PutLogEvents call.
type Put struct {
	Events   int // accepted ones
	Rejected int
	Bytes    int // as the contract counts
	First    int64
	Last     int64 // timestamps in milliseconds
}

func (s *Server) putEvents(in input) (any, *apiError) {
	g, st, e := s.stream(in.LogGroupName, in.LogStreamName)
	if e != nil {
		return nil, e
	}
	size, e := checkBatch(in.LogEvents)
	if e != nil {
		return nil, e
	}
	valid, info := s.sortOut(g, in.LogEvents)
	if n := len(valid); n > 0 && valid[n-1].Timestamp-valid[0].Timestamp > maxSpan.Milliseconds() {
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	for i := range valid {
		valid[i].Ingested = s.now().UnixMilli()
	}
	st.events = append(st.events, valid...)
	s.accepted += len(valid)
	s.rejected += len(in.LogEvents) - len(valid)
	s.log = append(s.log, Put{len(valid), len(in.LogEvents) - len(valid), size,
		in.LogEvents[0].Timestamp, in.LogEvents[len(in.LogEvents)-1].Timestamp})
	out := map[string]any{"nextSequenceToken": "ignored"}
	if len(info) > 0 {
		out["rejectedLogEventsInfo"] = info
	}
	return out, nil
}

// checkBatch finds what makes the whole call fail, and counts its bytes.
func checkBatch(events []Event) (int, *apiError) {
	if len(events) == 0 || len(events) > maxBatchEvents {
		return 0, invalid("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "+
			"Member must have length between 1 and %d", maxBatchEvents)
	}
	size := 0
	for i, ev := range events {
		if ev.Message == "" || ev.Timestamp < 0 {
			return 0, invalid("1 validation error detected: Value at 'logEvents.%d.member' failed to satisfy constraint", i+1)
		}
		if i > 0 && ev.Timestamp < events[i-1].Timestamp {
			return 0, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		if n := len(ev.Message) + perEvent; n > maxBatchBytes {
			return 0, invalid("Log event too large: %d bytes exceeds limit of %d", n, maxBatchBytes)
		}
		size += len(ev.Message) + perEvent
	}
	if size > maxBatchBytes {
		return 0, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	return size, nil
}

// sortOut takes the events that are too old, expired or too new from the two ends of the batch; the indexes are those of
// API_RejectedLogEventsInfo.html: the old ends exclusive, the new start inclusive.
func (s *Server) sortOut(g *group, events []Event) ([]Event, map[string]int) {
	info := map[string]int{}
	now := s.now()
	from, to := 0, len(events)
	for from < to && events[from].Timestamp < now.Add(-tooOld).UnixMilli() {
		from++
		info["tooOldLogEventEndIndex"] = from
	}
	if g.retention > 0 {
		oldest := now.AddDate(0, 0, -g.retention).UnixMilli()
		for from < to && events[from].Timestamp < oldest {
			from++
			info["expiredLogEventEndIndex"] = from
		}
	}
	for to > from && events[to-1].Timestamp > now.Add(tooNew).UnixMilli() {
		to--
		info["tooNewLogEventStartIndex"] = to
	}
	return events[from:to], info
}

// getEvents answers by pages with tokens that are positions. StartTime is inclusive, EndTime exclusive
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html); a page holds 10,000
// events or 1 MB. Only reading forward from the head is understood.
func (s *Server) getEvents(in input) (any, *apiError) {
	_, st, e := s.stream(in.LogGroupName, in.LogStreamName)
	if e != nil {
		return nil, e
	}
	all := slices.Clone(st.events)
	slices.SortStableFunc(all, func(a, b Event) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	all = slices.DeleteFunc(all, func(ev Event) bool {
		return in.StartTime != nil && ev.Timestamp < *in.StartTime || in.EndTime != nil && ev.Timestamp >= *in.EndTime
	})
	at := 0
	if in.NextToken != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(in.NextToken, "f/"))
		if err != nil || n < 0 || n > len(all) {
			return nil, invalid("The specified nextToken is invalid.")
		}
		at = n
	}
	end := pageEnd(all, at, in.Limit)
	page := all[at:end]
	if page == nil {
		page = []Event{}
	}
	return map[string]any{"events": page, "nextForwardToken": "f/" + strconv.Itoa(end),
		"nextBackwardToken": "b/" + strconv.Itoa(at)}, nil
}

func pageEnd(all []Event, at, limit int) int {
	if limit <= 0 || limit > maxBatchEvents {
		limit = maxBatchEvents
	}
	end, size := at, 0
	for end < len(all) && end-at < limit && size+len(all[end].Message) <= maxBatchBytes {
		size += len(all[end].Message)
		end++
	}
	return end
}
