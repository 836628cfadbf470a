package status

import (
	"path/filepath"
	"time"
)

// heartbeat is how often a running agent rewrites its file at least, so that a
// reader can tell an idle agent from a dead one without asking the system.
const heartbeat = 30 * time.Second

// Agent is what the log agent knows about itself.
type Agent struct {
	Version   int       `json:"version"`
	PID       int       `json:"pid"` // 0 after an orderly stop
	StartedAt time.Time `json:"started_at,omitzero"`
	WrittenAt time.Time `json:"written_at"` // rewritten every heartbeat at least
	// Destination is the CloudWatch group and stream, "" when lines stay here.
	Destination string `json:"destination,omitempty"`

	Lines    int64 `json:"lines"`    // stored since StartedAt
	Unparsed int64 `json:"unparsed"` // of these, kept raw: not in the log format
	Shipped  int64 `json:"shipped"`  // accepted by CloudWatch since StartedAt
	Rejected int64 `json:"rejected"` // refused by CloudWatch as too old or too new
	Backlog  int64 `json:"backlog"`  // stored and not shipped, at WrittenAt

	LastLineAt time.Time `json:"last_line_at,omitzero"`
	LastShipAt time.Time `json:"last_ship_at,omitzero"`
	// LastError is the last failure since the last success, "" after a success.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
	// PausedSince is when storing stopped; zero while it goes on.
	PausedSince time.Time `json:"paused_since,omitzero"`
	PausedWhy   string    `json:"paused_why,omitempty"`

	DatabaseBytes int64  `json:"database_bytes"`               // pages in use
	DatabaseMost  int64  `json:"database_max_bytes,omitempty"` // what they may be; 0 is any number
	WALBytes      int64  `json:"wal_bytes"`                    // the write-ahead log beside them
	Pruned        int64  `json:"pruned"`                       // lines deleted since StartedAt to stay below that
	Files         []File `json:"files,omitempty"`
}

// File is one file the agent has open.
type File struct {
	Path   string `json:"path"`
	Offset int64  `json:"offset"` // stored up to here
	Size   int64  `json:"size"`
}

// AgentPath is where the agent with this log directory publishes its Agent: the
// only directory that its user owns.
func AgentPath(logDir string) string { return filepath.Join(logDir, "agent.json") }

// WriteAgent publishes a at path, whole or not at all.
func WriteAgent(path string, a Agent) error {
	a.Version = Version
	return write(path, a)
}

// ReadAgent loads what an agent published. A missing file is fs.ErrNotExist.
func ReadAgent(path string) (Agent, error) {
	var a Agent
	err := read(path, &a)
	if err == nil && a.Version > Version {
		err = newer(path, a.Version)
	}
	return a, err
}
