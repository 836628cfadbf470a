package apacheconf

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

const (
	killedConfig = "APACHECONF_TEST_CONFIG"
	killedChange = "APACHECONF_TEST_CHANGE"
	killedStep   = "APACHECONF_TEST_STEP"
)

// TestMain lets the test binary be the process that is killed in an apply.
func TestMain(m *testing.M) {
	if os.Getenv(killedConfig) == "" {
		os.Exit(m.Run())
	}
	dropCapabilities()
	dieInApply()
}

// dieInApply applies, and ends by SIGKILL at the step of that number; without
// so many steps it ends well.
func dieInApply() {
	var cfg Config
	var change Change
	must(json.Unmarshal([]byte(os.Getenv(killedConfig)), &cfg))
	must(json.Unmarshal([]byte(os.Getenv(killedChange)), &change))
	left, err := strconv.Atoi(os.Getenv(killedStep))
	must(err)
	s, err := Discover(background(), cfg)
	must(err)
	s.hooks.step = func(string) {
		if left--; left == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	p, err := s.Plan(background(), change)
	must(err)
	_, err = s.Apply(background(), p)
	must(err)
	os.Exit(0)
}

func must(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(3)
	}
}

// A SIGKILL at any step of an apply: the server goes on serving, and the next
// run first undoes the half change and then does the whole.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	dir, leaf := r.generation()
	before := r.snapshot()
	change := Change{Profile: "intermediate", Generations: map[string]string{"a.test": dir}, Adopt: []string{"a.test"}}
	cfg, err := json.Marshal(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	changeText, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	for step := 1; ; step++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedConfig+"="+string(cfg), killedChange+"="+string(changeText), killedStep+"="+strconv.Itoa(step))
		out, err := cmd.CombinedOutput()
		if err == nil {
			if step < 6 {
				t.Errorf("only %d steps", step-1)
			}
			break
		}
		if cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("step %d: %v: %s", step, err, out)
		}
		if res := r.apply(change); !res.Healed || !res.Changed {
			t.Errorf("step %d: %+v", step, res)
		}
		r.serves("a.test", leaf)
		if _, err := Rollback(t.Context(), r.cfg, Undo{}); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		r.unchanged(before)
		r.serves("a.test", r.oldA.Leaf)
	}
}
