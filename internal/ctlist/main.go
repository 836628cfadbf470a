// Command ctlist keeps the list of Certificate Transparency logs that the
// program is built with from growing old unseen: a list that counts as old
// cannot call a log unknown any more. It is for `make test` and `make ct-logs`,
// and never in the product. It may import apacheconf/probe and the mechanisms.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"tlskeeper/apacheconf/probe"
	"tlskeeper/internal/durable"
)

// source is where Google publishes the list, and file where it is kept.
const (
	source = "https://www.gstatic.com/ct/log_list/v3/all_logs_list.json"
	file   = "apacheconf/probe/ct_logs.json"
)

// enough is how long a list should last when a change lands: a month is for
// whoever has to build and publish a release.
const enough = 30 * 24 * time.Hour

// maxList bounds what is read of the answer; the list is about 150 kB.
const maxList = 8 << 20

// fetchTimeout bounds the whole download.
const fetchTimeout = 30 * time.Second

func main() {
	renewed := flag.Bool("renew", false, "replace "+file)
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	fetch := func() ([]byte, error) { return download(ctx, source) }
	var err error
	if *renewed {
		err = renew(file, fetch)
	} else {
		err = check(os.Stdout, time.Now(), fetch)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ctlist:", err)
		os.Exit(1)
	}
}

// check is the gate. A list with less than enough left fails it where a newer
// one can be had. Where none can, failing would stop work that has nothing to
// do with it and help nobody: then it is said, as loudly as text can.
func check(w io.Writer, now time.Time, fetch func() ([]byte, error)) error {
	shipped, err := probe.ShippedLogs()
	if err != nil {
		return err
	}
	left := shipped.Left(now)
	if left >= enough {
		return nil
	}
	verdict := lasting(shipped, left)
	newer, err := fetchList(fetch)
	switch {
	case err != nil:
		warn(w, verdict, "no newer one could be had: "+err.Error())
	case !newer.Date.After(shipped.Date):
		warn(w, verdict, "what is published is no newer ("+newer.Date.Format(time.DateOnly)+")")
	default:
		return fmt.Errorf("%s; one of %s is published: make ct-logs", verdict, newer.Date.Format(time.DateOnly))
	}
	return nil
}

// lasting says in words how long the list lasts.
func lasting(list *probe.LogList, left time.Duration) string {
	days := int(left / (24 * time.Hour))
	if left < 0 {
		return fmt.Sprintf("the list of CT logs of %s counts as old since %d days", list.Date.Format(time.DateOnly), -days)
	}
	return fmt.Sprintf("the list of CT logs of %s counts as old in %d days", list.Date.Format(time.DateOnly), days)
}

func warn(w io.Writer, verdict, why string) {
	fmt.Fprintf(w, "\n*** WARNING: %s,\n*** and %s.\n*** With a network: make ct-logs, then release.\n", verdict, why)
}

// renew puts the published list in the place of the one that is there, if it
// can be read and is newer.
func renew(path string, fetch func() ([]byte, error)) error {
	now, err := probe.LoadLogs(path)
	if err != nil {
		return err
	}
	data, err := fetch()
	if err != nil {
		return fmt.Errorf("%s is left as it is (of %s): %w", path, now.Date.Format(time.DateOnly), err)
	}
	newer, err := probe.ParseLogList(data)
	if err != nil {
		return fmt.Errorf("%s is left as it is: %w", path, err)
	}
	if !newer.Date.After(now.Date) {
		return fmt.Errorf("%s is left as it is: what is published is of %s, no newer", path, newer.Date.Format(time.DateOnly))
	}
	return durable.WriteFile(path, data, 0o644)
}

func fetchList(fetch func() ([]byte, error)) (*probe.LogList, error) {
	data, err := fetch()
	if err != nil {
		return nil, err
	}
	return probe.ParseLogList(data)
}

func download(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxList+1))
	if err == nil && len(data) > maxList {
		err = errors.New("the answer is not a list: it is longer than any")
	}
	return data, err
}
