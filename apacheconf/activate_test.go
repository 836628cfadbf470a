package apacheconf

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tlskeeper/apacheconf/plan"
)

// A SIGKILL between stop and start leaves no Apache at all. Heal brings it
// back, as it was before the change.
func TestHealAfterKillBetweenStopAndStart(t *testing.T) {
	t.Parallel()
	r := makeRig(t, "")
	conf := strings.Replace(read(r.a.ConfigFile), sessionCacheLine+"\n", "", 1) // ours is the only one
	must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
	r.start()
	dir, leaf := r.generation()
	r.apply(Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}, AllowRestart: true})
	before := r.snapshot()
	cfg, err := json.Marshal(r.cfg)
	must(err)
	change, err := json.Marshal(Change{Remove: true, AllowRestart: true})
	must(err)
	stopped := false
	for step := 1; !stopped && step < 20; step++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedConfig+"="+string(cfg), killedChange+"="+string(change), killedStep+"="+strconv.Itoa(step))
		if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("step %d: %v: %s", step, err, out)
		}
		s, err := Survey(t.Context(), r.cfg)
		must(err)
		stopped = s.Running() != nil
		if !CutOff(r.cfg) {
			t.Errorf("step %d: no journal is left", step)
		}
		if healed, err := Heal(t.Context(), r.cfg); err != nil || !healed || CutOff(r.cfg) {
			t.Fatalf("step %d: healed %v, %v", step, healed, err)
		}
		r.unchanged(before)
		r.serves("a.test", leaf)
	}
	if !stopped {
		t.Error("no step without an Apache")
	}
	if healed, err := Heal(t.Context(), r.cfg); healed || err != nil {
		t.Errorf("with nothing to undo: %v, %v", healed, err)
	}
}

// The generation that our include names is gone: httpd reads no configuration
// any more, and a renewal brings the one that exists.
func TestActivateWhereTheGenerationIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, _ := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	second, leaf := r.generation()
	must(os.RemoveAll(first))
	if _, err := Activate(t.Context(), r.cfg, map[string]string{"a.test": second}); err != nil {
		t.Fatal(err)
	}
	r.serves("a.test", leaf)
	if text := read(plan.SitePath(r.cfg, "a.test")); !strings.HasPrefix(text, "# Written by tlskeeper") {
		t.Errorf("the include: %s", text)
	}
	if res, err := Activate(t.Context(), r.cfg, map[string]string{"a.test": second}); err != nil || res.Changed {
		t.Errorf("a second time: %+v, %v", res, err)
	}
}

// Where the admin's files are at fault too, nothing is touched.
func TestActivateWhereMoreIsAtFault(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	first, leaf := r.generation()
	r.apply(Change{Generations: map[string]string{"a.test": first}, Adopt: []string{"a.test"}})
	second, _ := r.generation()
	must(os.RemoveAll(first))
	r.writeSites(r.sites() + "NoSuchDirective on\n")
	before := r.snapshot()
	_, err := Activate(t.Context(), r.cfg, map[string]string{"a.test": second})
	asRefused(t, err)
	r.unchanged(before)
	r.serves("a.test", leaf)
}

// Without `setup`: only the state itself is closed.
func TestStateDirectoryUnderAnOpenOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.cfg.StateDir = filepath.Join(r.dir, "lib", "apache")
	r.apply(Change{LogOnly: true})
	for path, want := range map[string]os.FileMode{filepath.Dir(r.cfg.StateDir): 0o755, r.cfg.StateDir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}
