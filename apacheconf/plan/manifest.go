package plan

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/internal/safepath"
)

// Manifest remembers what is installed, for drift, uninstall and for changes
// that keep everything else as it is.
type Manifest struct {
	Version   int               `json:"version"`
	LogOnly   bool              `json:"log_only,omitempty"`
	Profile   string            `json:"profile,omitempty"`
	HSTS      string            `json:"hsts,omitempty"`
	HSTSSince time.Time         `json:"hsts_since,omitzero"` // when HSTS got its present value
	Redirect  []string          `json:"redirect,omitempty"`
	Files     map[string]string `json:"files"`           // path -> SHA-256 of what we wrote
	Links     map[string]string `json:"links,omitempty"` // path -> target
	Adoptions []Adoption        `json:"adoptions,omitempty"`
	Cache     bool              `json:"cache,omitempty"` // a session cache was configured: never remove it live
	Stapling  bool              `json:"stapling_cache,omitempty"`

	RedirectSince map[string]time.Time `json:"redirect_since,omitempty"` // when each site got into Redirect
}

// Adoption is one edit of an admin's file: Old is what stood there.
type Adoption struct {
	Name  string `json:"name"`
	VHost string `json:"vhost"` // its ServerName
	File  string `json:"file"`
	Old   string `json:"old"`
	New   string `json:"new"`
	// What httpd itself reads in Old: variables, quotes and continued lines are
	// beyond us once the configuration around them has changed.
	Lines    []string `json:"lines,omitempty"`
	HostFile string   `json:"host_file,omitempty"` // where the section stands, when it is not File
	Serial   int      `json:"serial,omitempty"`    // tells two adoptions of one place apart
}

func (a Adoption) same(b Adoption) bool {
	return a.Serial == b.Serial && a.Name == b.Name && a.File == b.File && a.Old == b.Old && a.New == b.New
}

// sectionFile is the file of the virtual host that was adopted.
func (a Adoption) sectionFile() string { return cmp.Or(a.HostFile, a.File) }

// undo puts the old text back. Where it stands already, and ours is gone, a
// person has done it before us.
func (a Adoption) undo(text []byte) ([]byte, error) {
	edited, err := applyEdit(text, a.New, a.Old)
	if err != nil && a.undone(text) {
		return text, nil
	}
	return edited, err
}

func (a Adoption) undone(text []byte) bool {
	return bytes.Contains(text, []byte(a.Old)) && !bytes.Contains(text, []byte(a.New))
}

// Installed is what is installed by us, as the manifest remembers it; empty where
// there is none.
func Installed(cfg httpd.Config) (Manifest, error) {
	m := Manifest{Version: 1, Files: map[string]string{}, Links: map[string]string{}}
	text, err := ReadRecord(ManifestPath(cfg))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("reading the manifest: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("reading %s: %w", ManifestPath(cfg), err)
	}
	if m.Version != 1 {
		return m, fmt.Errorf("reading %s: version %d is newer than this tlskeeper", ManifestPath(cfg), m.Version)
	}
	if m.Files == nil {
		m.Files = map[string]string{}
	}
	if m.Links == nil {
		m.Links = map[string]string{}
	}
	return m, nil
}

// Encode is the manifest as it stands on disk.
func (m Manifest) Encode() []byte {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // strings and maps of strings
	}
	return append(text, '\n')
}

// ActiveGenerations tells which generation directory each of our site includes
// names. Pruning spares these. A missing directory is an empty answer.
func ActiveGenerations(etcDir string) (map[string]string, error) {
	out := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(etcDir, "*.conf"))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", etcDir, err)
	}
	for _, path := range paths {
		if filepath.Base(path) == globalName {
			continue
		}
		text, err := httpd.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the active generations: %w", err)
		}
		if dir := generationIn(text); dir != "" {
			out[strings.TrimSuffix(filepath.Base(path), ".conf")] = dir
		}
	}
	return out, nil
}

// generationIn reads the directory of the pair that a site include names.
func generationIn(text []byte) string {
	nodes := conf.ParseOwn(text, "", nil)
	if n := conf.Last(nodes, "SSLCertificateFile"); n != nil {
		return filepath.Dir(n.Arg(0))
	}
	return ""
}

// siteNames are the certificates that have a site include.
func siteNames(etcDir string) []string {
	active, err := ActiveGenerations(etcDir)
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(active))
	for name := range active {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Held are the caches that the running Apache has in its memory, as far as the
// manifest tells.
func (m Manifest) Held(s *httpd.Server) []string {
	var out []string
	if !since(s, m) {
		return nil
	}
	if m.Cache {
		out = append(out, "SSLSessionCache")
	}
	if m.Stapling {
		out = append(out, "SSLStaplingCache")
	}
	return out
}

// since tells whether the running Apache is the one that the manifest's change
// was loaded into: then what it had loaded is still in its memory.
func since(s *httpd.Server, m Manifest) bool {
	now, ok := s.Parent()
	return ok && len(m.Files) > 0 && now.PID == pidOf(s.Config)
}

// globalName is the file name of the one server-level file of ours.
const globalName = "tlskeeper.conf"

// SitePath is the include of a certificate.
func SitePath(c httpd.Config, name string) string { return filepath.Join(c.EtcDir, name+".conf") }

// ManifestPath is where the manifest stands.
func ManifestPath(c httpd.Config) string { return filepath.Join(c.StateDir, "manifest.json") }

// PidPath notes the Apache into which the last change was loaded.
func PidPath(cfg httpd.Config) string { return filepath.Join(cfg.StateDir, "apache.pid") }

// pidOf is the Apache into which the last change was loaded, 0 where unknown.
func pidOf(cfg httpd.Config) int {
	text, err := os.ReadFile(PidPath(cfg))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// ReadRecord reads a record of ours, of any length: it holds whole files of the
// admin. What it says is written as root.
func ReadRecord(path string) ([]byte, error) {
	f, err := safepath.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
