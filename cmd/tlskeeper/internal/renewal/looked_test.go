package renewal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlskeeper/apacheconf"
)

// Where nothing was reloaded since everything was seen, one handshake is
// enough: httpd is not even asked for its configuration. Any reload, and any
// generation that was not seen, brings the whole look back.
func TestSecondLookIsShort(t *testing.T) {
	h := deployed(t)
	asked := filepath.Join(t.TempDir(), "asked")
	script := filepath.Join(t.TempDir(), "apache2")
	text := "#!/bin/sh\necho \"$*\" >>" + asked + "\nexec " + h.conf.Binary + " \"$@\"\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	h.conf.Binary = script
	h.cfg.Deploy = Apache(h.conf)
	dumps := func() int {
		t.Helper()
		os.Remove(asked)
		h.run(Options{})
		if h.state().DeployedAt.IsZero() {
			t.Fatal("not served")
		}
		out, _ := os.ReadFile(asked)
		return strings.Count(string(out), "DUMP")
	}
	wait(t, func() bool { return dumps() == 0 })
	if err := h.apache.Reload(h.ctx()); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { return dumps() > 0 }) // from when a worker read the files again
	wait(t, func() bool { return dumps() == 0 })
	l, ok := h.lastLook()
	if !ok {
		t.Fatal("no look is kept")
	}
	l.At = time.Now().Add(-24 * time.Hour)
	h.keep(l)
	if dumps() == 0 {
		t.Error("no look after a day")
	}
	if h.run(Options{Force: true}); h.served() != h.state().Serial {
		t.Errorf("served %s", h.served())
	}
}

// A look that was kept is no answer for a server that is hung or gone.
func TestSecondLookAsksTheServer(t *testing.T) {
	h := deployed(t)
	wait(t, func() bool { _, ok := h.lastLook(); return ok })
	l, _ := h.lastLook()
	places := l.Shown[site]
	places.Places[0].Address = "127.0.0.1:1"
	l.Shown[site] = places
	h.keep(l)
	if h.run(Options{}); h.state().DeployedAt.IsZero() {
		t.Error("not served")
	}
	if l, _ := h.lastLook(); l.Shown[site].Places[0].Address == "127.0.0.1:1" {
		t.Error("the place was not asked")
	}
}

// keptLook is the file in which a look is kept.
type keptLook struct {
	At    time.Time       `json:"at"`
	Look  apacheconf.Look `json:"look"`
	Shown map[string]struct {
		Generation string `json:"generation"`
		Places     []struct {
			Address string `json:"address"`
			Name    string `json:"name"`
		} `json:"places"`
	} `json:"shown"`
}

func (h *host) lookFile() string { return filepath.Join(h.conf.StateDir, "looked.json") }

// lastLook is what is kept, ok where Apache has read nothing since.
func (h *host) lastLook() (l keptLook, ok bool) {
	text, err := os.ReadFile(h.lookFile())
	if err != nil || json.Unmarshal(text, &l) != nil {
		return l, false
	}
	return l, time.Since(l.At) < 24*time.Hour && l.Look.Holds()
}

func (h *host) keep(l keptLook) {
	h.t.Helper()
	text, err := json.Marshal(l)
	if err == nil {
		err = os.WriteFile(h.lookFile(), text, 0o600)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}
