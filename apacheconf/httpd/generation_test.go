package httpd

import (
	"context"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A worker that Apache starts in the place of a dead one reads no new
// configuration: only a reload brings the next generation, with every MPM, and
// the process of mod_cgid is none.
func TestYoungWorkerIsNoNewGeneration(t *testing.T) {
	t.Parallel()
	for _, mpm := range []string{"event", "worker", "prefork"} {
		t.Run(mpm, func(t *testing.T) {
			t.Parallel()
			r := makeLive(t, "cgid")
			r.useMPM(mpm)
			r.start()
			p, ok := r.discover().Parent()
			if !ok {
				t.Fatal("no parent")
			}
			g := generationOf(p)
			r.killWorker(p)
			if g.replaced() {
				t.Error("a worker of the old generation counts")
			}
			r.must(r.a.Reload(context.Background()))
			r.must(Poll(context.Background(), time.Minute, func() (bool, error) { return g.replaced(), nil }))
		})
	}
}

// killWorker ends one worker and waits for the one in its place.
func (r *live) killWorker(p Process) {
	old := workers(p)
	for pid := range old {
		if open, _ := descriptors(pid); len(ofKind(open, "socket:[")) > 1 { // not mod_cgid's
			r.must(syscall.Kill(pid, syscall.SIGKILL))
			break
		}
	}
	r.must(Poll(context.Background(), time.Minute, func() (bool, error) {
		for pid := range workers(p) {
			if !old[pid] {
				return true, nil
			}
		}
		return false, nil
	}))
}

// useMPM gives the Apache another MPM, and mod_cgid.
func (r *live) useMPM(mpm string) {
	conf := strings.ReplaceAll(r.read(r.a.ConfigFile), "mpm_event", "mpm_"+mpm)
	if mpm == "prefork" {
		conf = regexp.MustCompile(`(?m)^ThreadsPerChild.*\n`).ReplaceAllString(conf, "")
		conf = strings.Replace(conf, "MaxRequestWorkers 64", "MaxRequestWorkers 4", 1)
	}
	conf += "ScriptSock " + r.t.TempDir() + "/cgid.sock\n"
	r.must(os.WriteFile(r.a.ConfigFile, []byte(conf), 0o644))
}

// A reload that kills Apache, while a worker of the old generation is young:
// the death is noticed, not the worker.
func TestDeathBesideAYoungWorker(t *testing.T) {
	t.Parallel()
	r := newLive(t)
	s := r.discover()
	p, _ := s.Parent()
	good := r.read(r.a.SitesFile)
	r.writeSites(good + "SSLProtocol -all\n")
	defer r.writeSites(good)
	g := generationOf(p)
	r.killWorker(p)
	r.must(r.a.Reload(context.Background()))
	died := Poll(context.Background(), time.Minute, func() (bool, error) {
		if now, ok := s.Parent(); !ok || now.PID != p.PID {
			return false, ErrDied
		}
		return g.replaced(), nil
	})
	if died != ErrDied {
		t.Errorf("the end of the wait: %v", died)
	}
}
