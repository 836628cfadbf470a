package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/internal/hint"
)

func openTemp(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "log", "tls.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// content makes the lines of text, which may or may not end in a newline.
func content(text string) (lines []Line, end int64) {
	for raw := range strings.Lines(text) {
		lines = append(lines, Line{end, []byte(strings.TrimSuffix(raw, "\n"))})
		end += int64(len(raw))
	}
	return lines, end
}

// requests writes n lines, of three in each second, over a few words.
func requests(n int) string {
	var b strings.Builder
	start := time.Date(2026, 11, 1, 23, 50, 0, 0, time.FixedZone("", 3600))
	for i := range n {
		fmt.Fprintf(&b, "%s,192.0.2.%d,HTTP/1.1,www%d.example.org,TLSv1.%d,CIPHER-%d,\"agent \\\"%d\\\", x\"\n",
			start.Add(time.Duration(i/3)*time.Second).Format("[02/Jan/2006:15:04:05 -0700]"),
			i%250, i%4, 2+i%2, i%5, i%17)
	}
	return b.String()
}

func newFile(text string) *File {
	f := &File{Path: "/var/log/apache2/tls.log", Dev: 1, Inode: 1<<63 + 7}
	f.SetFingerprint([]byte(text))
	return f
}

func appendText(t testing.TB, s *Store, f *File, text string, ship bool) {
	t.Helper()
	lines, end := content(text)
	if err := s.Append(t.Context(), f, lines, end, ship); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, s *Store, sql string) int64 {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	if err := s.query(func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	}, sql); err != nil {
		t.Fatal(err)
	}
	return n
}

// checkRollups holds every roll-up against the rows.
func checkRollups(t testing.TB, s *Store) {
	t.Helper()
	for name, sql := range map[string]string{
		"hour_combo":   `SELECT hour, combo, n FROM hour_combo EXCEPT SELECT ts/3600, combo, count(*) FROM request GROUP BY 1, 2`,
		"day_combo":    `SELECT day, combo, n FROM day_combo EXCEPT SELECT ts/86400, combo, count(*) FROM request GROUP BY 1, 2`,
		"day_combo_ua": `SELECT day, combo, ua, n FROM day_combo_ua EXCEPT SELECT ts/86400, combo, ua, count(*) FROM request GROUP BY 1, 2, 3`,
		"day_rows":     `SELECT day, first, last, n FROM day_rows EXCEPT SELECT ts/86400, min(id), max(id), count(*) FROM request GROUP BY 1`,
	} {
		if n := count(t, s, "SELECT count(*) FROM ("+sql+")"); n != 0 {
			t.Errorf("%s: %d rows differ from the requests", name, n)
		}
		if sum, rows := count(t, s, "SELECT sum(n) FROM "+name), count(t, s, "SELECT count(*) FROM request"); sum != rows {
			t.Errorf("%s: counts %d requests of %d", name, sum, rows)
		}
	}
}

func TestLinesComeBackByteForByteAndInOrder(t *testing.T) {
	s := openTemp(t, Options{})
	text := requests(1000) + "half a li\n\nno [time] \x00\xff\n" + requests(3)
	lines, end := content(text)
	f := newFile(text)
	if err := s.Append(t.Context(), f, lines, end, true); err != nil {
		t.Fatal(err)
	}
	if f.ID == 0 || f.Offset != end {
		t.Errorf("file %+v, want an id and offset %d", f, end)
	}
	var got []Event
	for after := int64(0); ; after = got[len(got)-1].ID {
		events, err := s.Pending(t.Context(), after, 300)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		got = append(got, events...)
	}
	var want []string
	for _, line := range lines {
		if len(line.Raw) > 0 { // the service takes no empty event
			want = append(want, string(line.Raw))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i, e := range got {
		if string(e.Raw) != want[i] {
			t.Fatalf("event %d: %q, want %q", i, e.Raw, want[i])
		}
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Rows != 1003 || st.Unparsed != 3 || st.Pending != 1005 {
		t.Errorf("stats %+v, %v", st, err)
	}
	checkRollups(t, s)
}

// TestOrdinalGoesOnAfterARestart: lines of one second keep their order in
// CloudWatch even when the agent was restarted between them.
func TestOrdinalGoesOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.db")
	line := `[18/Jul/2016:06:25:10 +0200],192.0.2.7,HTTP/1.1,v,p,c,"x"` + "\n"
	second := time.Date(2016, 7, 18, 4, 25, 10, 0, time.UTC).UnixMilli()
	f := newFile(line)
	for range 2 {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		lines, n := content(strings.Repeat(line, 600))
		for i := range lines {
			lines[i].Offset += f.Offset
		}
		if err := s.Append(t.Context(), f, lines, f.Offset+n, true); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	events, err := s.Pending(t.Context(), 0, 5000)
	if err != nil || len(events) != 1200 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if want := second + int64(min(i, 999)); e.Millis != want {
			t.Fatalf("line %d: %d, want %d", i, e.Millis, want)
		}
	}
}

func TestShippedLinesLeaveTheQueueAndRejectedOnesAreCounted(t *testing.T) {
	s := openTemp(t, Options{})
	appendText(t, s, newFile("a"), requests(10), true)
	events, err := s.Pending(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	ids := []int64{events[9].ID, events[0].ID, events[3].ID}
	for range 2 { // an answer that came twice changes nothing
		if err := s.MarkShipped(t.Context(), ids, []Rejected{{events[5].ID, "too old"}}); err != nil {
			t.Fatal(err)
		}
	}
	n, oldest, err := s.Backlog(t.Context())
	if err != nil || n != 6 || oldest.UnixMilli() != events[1].Millis {
		t.Errorf("backlog %d since %v, %v", n, oldest, err)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Shipped != 3 || st.Rejected != 1 || st.Rows != 10 {
		t.Errorf("stats %+v, %v", st, err)
	}
}

func TestClientAddressesAreKeptAsAsked(t *testing.T) {
	for mode, want := range map[string]string{"full": "192.0.2.77", "truncated": "192.0.2.0", "none": "-"} {
		s := openTemp(t, Options{Client: mode})
		const format = `[18/Jul/2016:06:25:10 +0200],%s,HTTP/1.1,v,p,c,"x"`
		appendText(t, s, newFile(mode), fmt.Sprintf(format, "192.0.2.77")+"\nbroken,192.0.2.77\n", true)
		events, err := s.Pending(t.Context(), 0, 10)
		if err != nil || len(events) != 2 {
			t.Fatal(err, len(events))
		}
		if got := string(events[0].Raw); got != fmt.Sprintf(format, want) {
			t.Errorf("%s: %s", mode, got)
		}
		if got := string(events[1].Raw); got != "broken,"+want {
			t.Errorf("%s: %s", mode, got)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{Client: "some"}); err == nil {
		t.Error("an unknown mode was accepted")
	}
}

func TestNewerAndForeignDatabasesAreLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec("PRAGMA user_version = 99", nil); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for name, open := range map[string]func() error{
		"write": func() error { _, err := Open(path, Options{}); return err },
		"read":  func() error { _, err := OpenReadOnly(t.Context(), path); return err },
	} {
		err := open()
		var newer *VersionError
		if !errors.As(err, &newer) || newer.Found != 99 || hint.Of(err) == "" {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
	}
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(text, Options{}); err == nil || !strings.Contains(err.Error(), "not a SQLite database") {
		t.Errorf("a text file: %v", err)
	}
	if _, err := OpenReadOnly(t.Context(), filepath.Join(t.TempDir(), "none.db")); hint.Of(err) == "" {
		t.Errorf("a missing database: %v, without a hint", err)
	}
}

func TestPositionDoesNotMoveWhenAppendFails(t *testing.T) {
	s := openTemp(t, Options{})
	text := requests(500)
	f := newFile(text)
	lines, end := content(text)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ctx, f, lines, end, true); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), &File{Path: "x", Offset: 10}, nil, 5, true); err == nil {
		t.Error("a position behind the start was accepted")
	}
	// A full disk, as SQLite reports it.
	if _, err := s.db.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", count(t, s, "PRAGMA page_count")+2), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), f, lines, end, true); err == nil {
		t.Fatal("the disk was not full")
	}
	if f.ID != 0 || f.Offset != 0 || count(t, s, "SELECT count(*) FROM request") != 0 {
		t.Errorf("something stayed: %+v", f)
	}
	if _, err := s.db.Exec("PRAGMA max_page_count = 1000000", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), f, lines, end, true); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "SELECT count(*) FROM log"); n != 500 {
		t.Errorf("%d rows after the disk had room again, want 500", n)
	}
	checkRollups(t, s)
}
