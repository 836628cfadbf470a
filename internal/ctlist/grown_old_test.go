package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf/probe"
)

// listOf is the shipped list under another date.
func listOf(t *testing.T, date time.Time) []byte {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	old := shipped(t).Date.Format(time.RFC3339)
	changed := bytes.Replace(text, []byte(old), []byte(date.Format(time.RFC3339)), 1)
	if bytes.Equal(changed, text) && !date.Equal(shipped(t).Date) {
		t.Fatalf("no %s in the list", old)
	}
	return changed
}

func shipped(t *testing.T) *probe.LogList {
	t.Helper()
	list, err := probe.ShippedLogs()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The gate, at each date: it is silent while there is time, fails where there
// is a newer list, and only warns where nobody could do anything.
func TestGate(t *testing.T) {
	list := shipped(t)
	limit := list.Date.Add(list.Left(list.Date)) // from here on it counts as old
	if list.Stale(limit) || !list.Stale(limit.Add(time.Second)) {
		t.Fatalf("Left and Stale differ at %v", limit)
	}
	newer := func() ([]byte, error) { return listOf(t, list.Date.AddDate(0, 1, 0)), nil }
	same := func() ([]byte, error) { return listOf(t, list.Date), nil }
	nothing := func() ([]byte, error) { return nil, errors.New("no such host") }
	rubbish := func() ([]byte, error) { return []byte("<html>"), nil }
	for name, c := range map[string]struct {
		now         time.Time
		fetch       func() ([]byte, error)
		fails, says string
	}{
		"a month left, a newer one":  {limit.Add(-enough), newer, "", ""},
		"under a month, a newer one": {limit.Add(-enough + time.Second), newer, "make ct-logs", ""},
		"under a month, none newer":  {limit.Add(-enough + time.Second), same, "", "counts as old in 29 days"},
		"under a month, no network":  {limit.Add(-9 * 24 * time.Hour), nothing, "", "counts as old in 9 days"},
		"under a month, a portal":    {limit.Add(-9 * 24 * time.Hour), rubbish, "", "WARNING"},
		"old, no network":            {limit.Add(49 * time.Hour), nothing, "", "counts as old since 2 days"},
		"old, a newer one":           {limit.Add(49 * time.Hour), newer, "since 2 days", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			err := check(&said, c.now, c.fetch)
			if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("error %v, want %q", err, c.fails)
			}
			if (said.Len() > 0) != (c.says != "") || !strings.Contains(said.String(), c.says) {
				t.Errorf("said %q, want %q", said.String(), c.says)
			}
		})
	}
}

// What is no list, or no newer one, does not take the place of what is there.
func TestRenewing(t *testing.T) {
	list := shipped(t)
	path := filepath.Join(t.TempDir(), "ct_logs.json")
	before := listOf(t, list.Date)
	if err := os.WriteFile(path, before, 0o644); err != nil {
		t.Fatal(err)
	}
	answer, status := []byte(nil), http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write(answer)
	}))
	defer server.Close()
	fetch := func() ([]byte, error) { return download(t.Context(), server.URL) }
	for name, a := range map[string]struct {
		status int
		text   []byte
	}{"refused": {http.StatusForbidden, listOf(t, list.Date.AddDate(0, 1, 0))}, "no list": {200, []byte("{}")}, "no newer": {200, before}} {
		answer, status = a.text, a.status
		if err := renew(path, fetch); err == nil || !strings.Contains(err.Error(), "left as it is") {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, before) {
			t.Errorf("%s: it was replaced", name)
		}
	}
	answer, status = listOf(t, list.Date.AddDate(0, 1, 0)), http.StatusOK
	if err := renew(path, fetch); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, answer) {
		t.Error("it was not replaced")
	}
}
