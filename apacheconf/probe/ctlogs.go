package probe

import (
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	ct "github.com/google/certificate-transparency-go"
)

// shippedLogs is a list in the layout of Google's log list, version 3, cut
// down to what is read here. `make ct-logs` renews it; `make test` tells when
// it is time to.
//
//go:embed ct_logs.json
var shippedLogs []byte

// staleAfter is the age at which a list of logs no longer proves a log to be
// unknown: Chrome stops to enforce Certificate Transparency when its own list
// is 70 days old (chromium: net/cert, "ten weeks").
const staleAfter = 70 * 24 * time.Hour

// LogList is a dated list of Certificate Transparency logs.
type LogList struct {
	Date time.Time
	logs map[[sha256.Size]byte]ctLog
}

// ctLog is one log. State is "usable", "retired" and so on as Google's list
// has it; Mozilla's knows only "admissible" (qualified, usable or read-only)
// and "retired".
type ctLog struct {
	name, operator, state string
	since                 time.Time // when it came into its state
	key                   []byte    // SubjectPublicKeyInfo
}

// ShippedLogs is the list that this program was built with.
func ShippedLogs() (*LogList, error) { return ParseLogList(shippedLogs) }

// shippedLogList is parsed once; that it can be parsed is held by a test.
var shippedLogList = sync.OnceValue(func() *LogList {
	list, err := ShippedLogs()
	if err != nil {
		return &LogList{} // every log is unknown, and the list is stale
	}
	return list
})

// LoadLogs reads a file in the layout of Google's log list, version 3.
func LoadLogs(file string) (*LogList, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the list of CT logs: %w", err)
	}
	list, err := ParseLogList(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}

// logListV3 is the part of Google's log list that is read
// (https://www.gstatic.com/ct/log_list/v3/log_list_schema.json).
type logListV3 struct {
	Timestamp time.Time `json:"log_list_timestamp"`
	Operators []struct {
		Name  string  `json:"name"`
		Logs  []logV3 `json:"logs"`
		Tiled []logV3 `json:"tiled_logs"`
	} `json:"operators"`
}

type logV3 struct {
	Description string `json:"description"`
	ID          []byte `json:"log_id"`
	Key         []byte `json:"key"`
	State       map[string]struct {
		Timestamp time.Time `json:"timestamp"`
	} `json:"state"`
}

// ParseLogList reads Google's log list, version 3.
func ParseLogList(data []byte) (*LogList, error) {
	var v3 logListV3
	if err := json.Unmarshal(data, &v3); err != nil {
		return nil, fmt.Errorf("reading the list of CT logs: %w", err)
	}
	list := &LogList{Date: v3.Timestamp, logs: map[[sha256.Size]byte]ctLog{}}
	for _, operator := range v3.Operators {
		for _, log := range append(operator.Logs, operator.Tiled...) {
			if err := list.add(operator.Name, log); err != nil {
				return nil, err
			}
		}
	}
	if len(list.logs) == 0 || list.Date.IsZero() {
		return nil, fmt.Errorf("reading the list of CT logs: no logs or no date in it")
	}
	return list, nil
}

// add checks that the id is the hash of the key (RFC 6962, 3.2).
func (l *LogList) add(operator string, log logV3) error {
	id := sha256.Sum256(log.Key)
	if string(id[:]) != string(log.ID) {
		return fmt.Errorf("reading the list of CT logs: key of %q does not fit its id", log.Description)
	}
	entry := ctLog{name: log.Description, operator: operator, key: log.Key}
	for state, since := range log.State {
		entry.state, entry.since = state, since.Timestamp
	}
	l.logs[id] = entry
	return nil
}

// Stale tells whether the list is too old to call a log unknown.
func (l *LogList) Stale(now time.Time) bool { return now.Sub(l.Date) > staleAfter }

// Left is how long it takes until the list is stale; below 0 where it is.
func (l *LogList) Left(now time.Time) time.Duration { return l.Date.Add(staleAfter).Sub(now) }

func (c ctLog) verifier() (*ct.SignatureVerifier, error) {
	key, err := x509.ParsePKIXPublicKey(c.key)
	if err != nil {
		return nil, fmt.Errorf("key of the log %s: %w", c.name, err)
	}
	return ct.NewSignatureVerifier(key)
}

// counts tells whether browsers count an SCT of that time: a retired log's
// only when it was given before the log retired, a rejected one's never.
func (c ctLog) counts(at time.Time) bool {
	switch c.state {
	case "admissible", "qualified", "usable", "readonly":
		return true
	case "retired":
		return at.Before(c.since)
	}
	return false
}
