package query

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// costAgents is how many user agents a CostLine names.
const costAgents = 5

// CostLine is what the history says of one protocol and cipher, to judge what
// taking it away would cost.
type CostLine struct {
	Protocol, Cipher  string
	Requests, Clients int64
	UserAgents        []string // the most frequent ones, as logged
}

// Costs is the history of a window, every protocol and cipher that was used, the
// most used first.
type Costs struct {
	Since, Until time.Time // of the first and the last request; zero without history
	Lines        []CostLine
}

// Cost counts the requests since a moment, or as far back as there is history. It
// takes no longer than DefaultTimeout.
func Cost(ctx context.Context, d *DB, since time.Time) (*Costs, error) {
	timeout := cmp.Or(d.timeout, DefaultTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	c, err := d.cost(ctx, since)
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return nil, fmt.Errorf("stopped after %s: there is too much of it", timeout)
	}
	return c, err
}

func (d *DB) cost(ctx context.Context, since time.Time) (*Costs, error) {
	where := rowSpan(Filter{Since: since}.window())
	c := &Costs{}
	if err := d.costWindow(ctx, c, where); err != nil || c.Since.IsZero() {
		return c, err
	}
	r, err := d.ask(ctx, &plan{sql: `SELECT b.protocol, b.cipher, sum(n) AS requests, count(DISTINCT client)
		FROM (SELECT combo, client, count(*) AS n FROM request WHERE ` + where + ` GROUP BY combo, client) r
		CROSS JOIN combo b ON b.id = r.combo GROUP BY 1, 2 ORDER BY requests DESC, 1, 2`})
	if err != nil {
		return nil, err
	}
	for _, row := range r.Rows {
		line := CostLine{Protocol: row[0].(string), Cipher: row[1].(string), Requests: row[2].(int64), Clients: row[3].(int64)}
		if line.UserAgents, err = d.costAgents(ctx, line, since); err != nil {
			return nil, err
		}
		c.Lines = append(c.Lines, line)
	}
	return c, nil
}

func (d *DB) costWindow(ctx context.Context, c *Costs, where string) error {
	r, err := d.ask(ctx, &plan{sql: "SELECT min(ts), max(ts) FROM request WHERE " + where})
	if err != nil {
		return err
	}
	first, ok := r.Rows[0][0].(int64)
	last, _ := r.Rows[0][1].(int64)
	if ok {
		c.Since, c.Until = time.Unix(first, 0), time.Unix(last, 0)
	}
	return nil
}

func (d *DB) costAgents(ctx context.Context, line CostLine, since time.Time) ([]string, error) {
	source, _ := needs{agent: true}.source(Filter{Since: since})
	r, err := d.ask(ctx, &plan{
		sql: "WITH log AS (" + source + ") SELECT user_agent FROM log WHERE protocol = :protocol AND cipher = :cipher " +
			fmt.Sprintf("GROUP BY user_agent ORDER BY sum(%s) DESC, user_agent LIMIT %d", countColumn, costAgents),
		args: []driver.NamedValue{{Name: "protocol", Ordinal: 1, Value: line.Protocol}, {Name: "cipher", Ordinal: 2, Value: line.Cipher}},
	})
	if err != nil {
		return nil, err
	}
	var agents []string
	for _, row := range r.Rows {
		agents = append(agents, row[0].(string))
	}
	return agents, nil
}
