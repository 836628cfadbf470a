package logshiptest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

type group struct {
	created   int64 // milliseconds since 1970
	retention int   // days, 0 = for ever
	streams   map[string]*stream
}

type stream struct {
	created int64
	events  []Event // in the order of arrival
}

// arn names a group, as API_LogGroup.html shows it; the account is made up.
func arn(group string) string { return "arn:aws:logs:" + Region + ":123456789012:log-group:" + group }

func (s *Server) newGroup() *group {
	return &group{created: s.now().UnixMilli(), streams: map[string]*stream{}}
}

// Names: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html and
// API_CreateLogStream.html (length 1 to 512; a stream's name has no colon and no asterisk).
var (
	groupName  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	streamName = regexp.MustCompile(`^[^:*]{1,512}$`)
)

// retentions are the days that API_PutRetentionPolicy.html allows.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (s *Server) createGroup(in input) (any, *apiError) {
	if !groupName.MatchString(in.LogGroupName) {
		return nil, invalid("1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint", in.LogGroupName)
	}
	if s.groups[in.LogGroupName] != nil {
		return nil, exists("log group")
	}
	s.groups[in.LogGroupName] = s.newGroup()
	return nil, nil
}

func (s *Server) createStream(in input) (any, *apiError) {
	if !streamName.MatchString(in.LogStreamName) {
		return nil, invalid("1 validation error detected: Value '%s' at 'logStreamName' failed to satisfy constraint", in.LogStreamName)
	}
	g := s.groups[in.LogGroupName]
	if g == nil {
		return nil, notFound("log group")
	}
	if g.streams[in.LogStreamName] != nil {
		return nil, exists("log stream")
	}
	g.streams[in.LogStreamName] = &stream{created: s.now().UnixMilli()}
	return nil, nil
}

func (s *Server) putRetention(in input) (any, *apiError) {
	g := s.groups[in.LogGroupName]
	if g == nil {
		return nil, notFound("log group")
	}
	if !slices.Contains(retentions, in.RetentionInDays) {
		return nil, invalid("Value '%d' at 'retentionInDays' is not one of the allowed values", in.RetentionInDays)
	}
	g.retention = in.RetentionInDays
	return nil, nil
}

func (s *Server) describeGroups(in input) (any, *apiError) {
	list := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		if !strings.HasPrefix(name, in.LogGroupNamePrefix) {
			continue
		}
		entry := map[string]any{"logGroupName": name, "arn": arn(name) + ":*", "creationTime": s.groups[name].created}
		if days := s.groups[name].retention; days > 0 {
			entry["retentionInDays"] = days
		}
		list = append(list, entry)
	}
	return map[string]any{"logGroups": list}, nil
}

func (s *Server) describeStreams(in input) (any, *apiError) {
	g := s.groups[in.LogGroupName]
	if g == nil {
		return nil, notFound("log group")
	}
	list := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(g.streams)) {
		if strings.HasPrefix(name, in.LogStreamNamePrefix) {
			list = append(list, map[string]any{"logStreamName": name, "creationTime": g.streams[name].created,
				"arn": arn(in.LogGroupName) + ":log-stream:" + name})
		}
	}
	return map[string]any{"logStreams": list}, nil
}

// stream is called with mu held.
func (s *Server) stream(groupName, streamName string) (*group, *stream, *apiError) {
	g := s.groups[groupName]
	if g == nil {
		return nil, nil, notFound("log group")
	}
	st := g.streams[streamName]
	if st == nil {
		return nil, nil, notFound("log stream")
	}
	return g, st, nil
}

// DropGroup deletes a group and all in it, as somebody in the console may.
func (s *Server) DropGroup(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, name)
}

// MakeGroup creates a group that the client did not make.
func (s *Server) MakeGroup(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[name] = s.newGroup()
}

// Retention is the days set on a group, 0 when none or no such group.
func (s *Server) Retention(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[name]; g != nil {
		return g.retention
	}
	return 0
}
