package apacheconf

import (
	"fmt"
	"strings"
	"time"

	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/hint"
)

// RolledBackError says that the change was made, did not hold, and was undone.
// It does not unwrap to its cause: what was refused or interrupted on the way
// would be taken for a change that never began.
type RolledBackError struct {
	Cause   error
	Healthy bool          // the old state is proved on the wire again
	Trouble error         // what went wrong in undoing, nil when Healthy
	Took    time.Duration // from noticing the fault to the old state being proved
}

func (e *RolledBackError) Error() string {
	if e.Healthy {
		return fmt.Sprintf("applied, did not hold, rolled back in %v: %v", e.Took.Round(time.Millisecond), e.Cause)
	}
	return fmt.Sprintf("applied, did not hold (%v), and the rollback is not proved: %v", e.Cause, e.Trouble)
}

func notRunning(s *httpd.Server) error {
	return hint.Wrap(&RefusedError{Why: "Apache is not running",
		Findings: []Finding{{Code: "not-running", File: s.PidFile, What: "no live process behind this PidFile"}}},
		"start it first: "+strings.Join(s.StartArgv(), " "))
}
