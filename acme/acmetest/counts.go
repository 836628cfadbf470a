package acmetest

import (
	"bytes"
	"net/http"
	"strings"
	"sync/atomic"
)

// counts is what the CA did. It is the CA's log writer too: the log is the
// only place where Pebble says that it signed something.
type counts struct {
	issued, orders, accounts, finalizes, all atomic.Int64
}

func (c *counts) Write(line []byte) (int, error) {
	switch {
	case bytes.Contains(line, []byte("Issued certificate serial")):
		c.issued.Add(1)
	case bytes.Contains(line, []byte("order")) && bytes.Contains(line, []byte("to the db")):
		c.orders.Add(1)
	case bytes.Contains(line, []byte("accounts in memory")):
		c.accounts.Add(1)
	}
	return len(line), nil
}

func (c *counts) requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.all.Add(1)
		if strings.HasPrefix(r.URL.Path, "/finalize-order/") {
			c.finalizes.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// Issued is how many certificates the CA has signed.
func (c *CA) Issued() int { return int(c.counts.issued.Load()) }

// Orders is how many orders it has accepted.
func (c *CA) Orders() int { return int(c.counts.orders.Load()) }

// Accounts is how many accounts it has created.
func (c *CA) Accounts() int { return int(c.counts.accounts.Load()) }

// Requests is how many requests reached it.
func (c *CA) Requests() int { return int(c.counts.all.Load()) }
