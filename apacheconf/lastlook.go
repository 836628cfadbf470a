package apacheconf

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tlskeeper/internal/durable"
	"tlskeeper/internal/leaf"
)

// lookAfresh is after how long everything is asked again, whatever the server
// has done.
const lookAfresh = 24 * time.Hour

// looked is what the last whole look at the server saw. A hundred handshakes
// are a hundred signatures by the server and a hundred verifications by us, for
// an answer that cannot have changed where it has read no configuration since.
type looked struct {
	At    time.Time         `json:"at"`
	Look  Look              `json:"look"`
	Shown map[string]answer `json:"shown"` // by name of the certificate
}

// answer is where a generation was shown.
type answer struct {
	Generation string  `json:"generation"` // its directory
	Places     []place `json:"places"`
}

type place struct {
	Address string `json:"address"`
	Name    string `json:"name"` // SNI
}

func lookedPath(cfg Config) string { return filepath.Join(cfg.StateDir, "looked.json") }

// stillServed tells that all these generations were shown, that the server has
// read no configuration since, and that it shows one of them now.
func stillServed(ctx context.Context, cfg Config, generations []Deployed) bool {
	l, ok := lastLook(cfg)
	if !ok || len(generations) == 0 {
		return false
	}
	for _, g := range generations {
		if l.Shown[g.Name].Generation != g.Dir {
			return false
		}
	}
	g := generations[rand.N(len(generations))]
	return shown(ctx, l.Shown[g.Name].Places, g.Leaf) == nil
}

func lastLook(cfg Config) (l looked, ok bool) {
	text, err := os.ReadFile(lookedPath(cfg))
	if err != nil || json.Unmarshal(text, &l) != nil {
		return l, false
	}
	age := time.Since(l.At)
	return l, age >= 0 && age < lookAfresh && l.Look.Holds()
}

// remember keeps what a look saw. Without it the next run looks again: what
// goes wrong here is no fault of the run.
func remember(cfg Config, l looked) {
	text, err := json.Marshal(l)
	if err == nil {
		err = durable.MkdirBase(cfg.StateDir, 0o700)
	}
	if err == nil {
		err = durable.WriteFile(lookedPath(cfg), text, 0o600)
	}
	if err != nil && cfg.Log != nil {
		cfg.Log.Warn("what the server shows is not kept for the next run", "err", err)
	}
}

// Uncarried lists the names of a generation that no TLS virtual host had when
// the server was last looked at as a whole: for these, visitors see another
// certificate. nil where the server was not seen serving it.
func Uncarried(cfg Config, g Deployed) []string {
	l, ok := lastLook(cfg)
	if !ok || l.Shown[g.Name].Generation != g.Dir {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.Leaf.DNSNames), func(name string) bool {
		return slices.ContainsFunc(l.Shown[g.Name].Places, func(p place) bool { return leaf.Covers(name, p.Name) })
	})
}
