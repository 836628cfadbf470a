package filechange

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tlskeeper/internal/child"
	"tlskeeper/internal/testenv"
)

// The diff is what patch(1) and diff(1) understand: held against diff -u.
func TestDiffIsThatOfDiff(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "diff")
	dir := t.TempDir()
	many := strings.Repeat("line\n", 30)
	for _, c := range [][2]string{
		{"a\nb\nc\n", "a\nx\nc\n"}, {"", "a\n"}, {"a\n", ""}, {"a", "a\n"}, {"a\nb", "a\nb\nc"},
		{"1\n2\n3\n" + many + "z\n", "1\n3\n" + many + "y\n"}, {many + "q\n" + many, many + many + "e\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n"}, {"a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n"}, {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n"},
	} {
		old, next := filepath.Join(dir, "old"), filepath.Join(dir, "new")
		if err := errors.Join(os.WriteFile(old, []byte(c[0]), 0o644), os.WriteFile(next, []byte(c[1]), 0o644)); err != nil {
			t.Fatal(err)
		}
		for _, context := range []int{3, 0} {
			r, _ := child.Run(t.Context(), child.Cmd{Argv: []string{"diff", "-U", strconv.Itoa(context), "--label", "o", "--label", "n", old, next}, Timeout: time.Minute})
			if got := unified("o", "n", c[0], c[1], context); got != string(r.Stdout) {
				t.Errorf("%q -> %q:\n%s--- want ---\n%s", c[0], c[1], got, r.Stdout)
			}
		}
	}
}
