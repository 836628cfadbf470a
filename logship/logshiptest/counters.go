package logshiptest

import "slices"

// Accepted counts the events stored since the start, repeats included.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Rejected counts the events named in rejectedLogEventsInfo since the start.
func (s *Server) Rejected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejected
}

// Requests counts the calls of an operation, failed ones included.
func (s *Server) Requests(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[op]
}

// Puts lists the PutLogEvents calls that were carried out.
func (s *Server) Puts() []Put {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Events lists what a stream holds, in the order of arrival; nil when there is no such stream.
func (s *Server) Events(groupName, streamName string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, st, err := s.stream(groupName, streamName)
	if err != nil {
		return nil
	}
	return slices.Clone(st.events)
}
