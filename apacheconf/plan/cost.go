package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/templates"
)

// CostLine is what the history says about one protocol and cipher. The caller
// asks the database; this package only decides what a profile removes.
type CostLine struct {
	Protocol, Cipher  string
	Requests, Clients int64
	UserAgents        []string // the most frequent ones
}

// Cost is an upper bound of what a profile takes from clients that were seen:
// the log holds what was chosen, not what else a client offered, and
// handshakes that were refused are not in it.
type Cost struct {
	NoHistory bool       `json:"no_history"`
	Since     time.Time  `json:"since,omitzero"` // first request of the history that was looked at
	Until     time.Time  `json:"until,omitzero"`
	Total     int64      `json:"total_requests"`   // over TLS
	Requests  int64      `json:"removed_requests"` // at most
	Clients   int64      `json:"removed_clients"`  // at most: one that used two of the lines counts twice
	Removed   []CostLine `json:"removed"`
}

// CostOf decides which lines of the history profile removes. Plain HTTP in a
// log that was not ours alone negotiated nothing, and loses nothing.
func CostOf(profile string, history []CostLine) (Cost, error) {
	p, ok := templates.Lookup(profile)
	if !ok {
		return Cost{}, fmt.Errorf("profile %q: want one of %s", profile, strings.Join(templates.ProfileNames(), ", "))
	}
	c := Cost{NoHistory: true}
	for _, l := range history {
		if unknown(l.Protocol) {
			continue
		}
		c.NoHistory = false
		c.Total += l.Requests
		if removes(p, l) {
			c.Removed = append(c.Removed, l)
			c.Requests += l.Requests
			c.Clients += l.Clients
		}
	}
	return c, nil
}

// unknown: httpd logs "-" for a variable that it has not.
func unknown(field string) bool { return field == "" || field == "-" }

func removes(p templates.Profile, l CostLine) bool {
	if !conf.Allows(p.Protocol, l.Protocol) {
		return true
	}
	if unknown(l.Cipher) {
		return false
	}
	list := p.Suites12
	if l.Protocol == "TLSv1.3" {
		list = p.Suites13
	}
	return len(list) > 0 && !slices.Contains(list, l.Cipher)
}

// String is the sentences for a person. What the log cannot know is said in
// each: it has what was chosen, not what else a client offered, and no
// handshake that was refused.
func (c Cost) String() string {
	if c.NoHistory {
		return "cost: no history yet; run `tlskeeper apache apply --log-only` and the agent for some days first"
	}
	window := fmt.Sprintf("from %s to %s", c.Since.UTC().Format(time.DateOnly), c.Until.UTC().Format(time.DateOnly))
	if len(c.Removed) == 0 {
		return fmt.Sprintf("cost: none of the %d TLS requests logged %s used what this removes (handshakes that were refused are not in the log)", c.Total, window)
	}
	return fmt.Sprintf("cost: at most %d of the %d TLS requests logged %s used what this removes, by at most %d clients (upper bounds: the log has what was chosen, "+
		"not what else a client could do, and a client of several ciphers counts for each; handshakes that were refused are not in it)", c.Requests, c.Total, window, c.Clients)
}
