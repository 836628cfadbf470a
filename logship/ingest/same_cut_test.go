package ingest

import (
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"testing"

	"tlskeeper/logship"
	"tlskeeper/logship/store"
)

// The same file leaves the same in the database, whether the agent reads it or
// an import does: of a line that is longer than what is kept whole, too.
func TestAgentAndImportCutTheSame(t *testing.T) {
	long := strings.TrimSuffix(requests(3, 1), "\"\n")
	long += strings.Repeat("y", 1_048_560-len(long)-1) + "\"\n"
	text := requests(0, 3) + "\x00\x00" + long + strings.Repeat("z", 9<<20) + "\n" + requests(4, 2)
	path := write(t, "tls.log", text)
	agent, imported := openStore(t), openStore(t)
	if err := logship.Run(t.Context(), logship.Config{Logs: []string{path}, Store: agent, Log: quiet, Once: true}); err != nil {
		t.Fatal(err)
	}
	importFiles(t, imported, path)
	packed := openStore(t)
	importFiles(t, packed, write(t, "tls.log.gz", gzipped(t, text)))
	want := rawLines(t, agent)
	if len(want) != 2 || stats(t, agent).Rows != 5 {
		t.Fatalf("the agent kept %+v", stats(t, agent))
	}
	for name, s := range map[string]*store.Store{"plain": imported, "packed": packed} {
		if got := stats(t, s); got != stats(t, agent) {
			t.Errorf("%s: %+v, the agent has %+v", name, got, stats(t, agent))
		}
		got := rawLines(t, s)
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("%s: raw line %d has %d bytes, of the agent's %d", name, i, len(got[i]), len(want[i]))
			}
		}
	}
}

// rawLines are those that are not of the format, in their order.
func rawLines(t *testing.T, s *store.Store) (list []string) {
	t.Helper()
	rows, err := s.Conn().Query("SELECT line FROM raw ORDER BY id", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for row := make([]driver.Value, 1); ; {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(row[0].([]byte)))
	}
}
