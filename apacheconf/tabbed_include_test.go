package apacheconf

import (
	"os"
	"strings"
	"testing"
)

// The place where our file is read is found however the Include is written.
func TestTabbedInclude(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	conf, err := os.ReadFile(r.a.ConfigFile)
	must(err)
	tabbed := strings.ReplaceAll(string(conf), "IncludeOptional ", "includeoptional\t")
	must(os.WriteFile(r.a.ConfigFile, []byte(tabbed), 0o644))
	if _, p := r.plan(Change{LogOnly: true}); tabbed == string(conf) || len(p.Blocked) > 0 {
		t.Errorf("blocked: %v", p.Blocked)
	}
}
