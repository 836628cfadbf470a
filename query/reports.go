package query

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"

	"tlskeeper/internal/hint"
)

//go:embed reports.sql
var reportsSQL string

// Report is a question with a name.
type Report struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	SQL   string `json:"sql"`
}

// Reports lists the named reports in the order of reports.sql.
func Reports() []Report {
	var list []Report
	for line := range strings.Lines(reportsSQL) {
		name, title, found := strings.Cut(strings.TrimPrefix(line, "-- "), ": ")
		switch {
		case found && strings.HasPrefix(line, "-- ") && !strings.Contains(name, " "):
			list = append(list, Report{Name: name, Title: strings.TrimSpace(title)})
		case len(list) > 0 && !strings.HasPrefix(line, "--"):
			list[len(list)-1].SQL += line
		}
	}
	for i := range list {
		list[i].SQL = strings.TrimSuffix(strings.TrimSpace(list[i].SQL), ";")
	}
	return list
}

// ReportNames lists the names alone.
func ReportNames() []string {
	var names []string
	for _, r := range Reports() {
		names = append(names, r.Name)
	}
	return names
}

// Report answers the named report, with each line's share of all requests that
// the filter lets through.
func (d *DB) Report(ctx context.Context, name string, o Options) (*Result, error) {
	list := Reports()
	i := slices.IndexFunc(list, func(r Report) bool { return r.Name == name })
	if i < 0 {
		return nil, hint.Wrap(fmt.Errorf("no report %q", name), "reports: "+strings.Join(ReportNames(), ", "))
	}
	r, err := d.run(ctx, list[i].SQL, o, keep{rows: o.Limit, count: true})
	if err != nil || o.Explain {
		return r, err
	}
	all, err := d.run(ctx, "SELECT count(*) FROM log", o, keep{})
	if err != nil {
		return nil, err
	}
	r.Title = list[i].Title
	r.Requests, _ = all.Rows[0][0].(int64)
	r.share()
	return r, nil
}

// share adds the column percent behind requests, to two places.
func (r *Result) share() {
	at := slices.Index(r.Columns, "requests")
	if at < 0 {
		return
	}
	r.Columns = slices.Insert(r.Columns, at+1, "percent")
	for i, row := range r.Rows {
		n, _ := row[at].(int64)
		percent := 0.0
		if r.Requests > 0 {
			percent = math.Round(1e4*float64(n)/float64(r.Requests)) / 100
		}
		r.Rows[i] = slices.Insert(row, at+1, any(percent))
	}
}
