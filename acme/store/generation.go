package store

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlskeeper/internal/durable"
	"tlskeeper/internal/leaf"
)

// The files of a generation's directory.
const (
	keyFile   = "key.pem"       // 0600; missing where the user keeps the key of their CSR elsewhere
	chainFile = "fullchain.pem" // leaf first, as the CA gave it
	metaFile  = "meta.json"
)

// Generation is one issued certificate with its key. Its directory appeared
// whole, after its checks, and is never changed.
type Generation struct {
	Name   string
	Number int
	Dir    string
	Leaf   *x509.Certificate
	Chain  []*x509.Certificate // the leaf first
	Meta   Meta
}

// Meta is where a generation came from.
type Meta struct {
	Names     []string  `json:"names"`
	KeyType   string    `json:"key_type"`
	CA        string    `json:"ca"`
	Directory string    `json:"directory"`
	Account   string    `json:"account"`
	Order     string    `json:"order"`
	Profile   string    `json:"profile,omitempty"`
	Issued    time.Time `json:"issued"` // when the checks here had passed
	// KeyElsewhere: the user's own CSR, and they did not say where its key is.
	KeyElsewhere bool `json:"key_elsewhere,omitempty"`
}

// KeyFile is the path of the private key, "" where it is not on this host.
func (g Generation) KeyFile() string {
	path := filepath.Join(g.Dir, keyFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// ChainFile is the path of the certificate with its chain.
func (g Generation) ChainFile() string { return filepath.Join(g.Dir, chainFile) }

// Serial is the leaf's serial number in lower-case hexadecimal.
func (g Generation) Serial() string { return g.Leaf.SerialNumber.Text(16) }

func (s *Store) genDir(name string) string { return filepath.Join(s.dir, "certs", name, "gen") }

func (s *Store) dirOf(name string, number int) string {
	return filepath.Join(s.genDir(name), fmt.Sprintf("%06d", number))
}

// numbers lists the generations of a certificate, oldest first.
func (s *Store) numbers(name string) ([]int, error) {
	entries, err := os.ReadDir(s.genDir(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the generations of %s: %w", name, err)
	}
	var numbers []int // ReadDir sorts, and the names have leading zeros
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.IsDir() {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// Generation loads one generation. A missing one is fs.ErrNotExist.
func (s *Store) Generation(name string, number int) (Generation, error) {
	if err := CheckName(name); err != nil {
		return Generation{}, err
	}
	g := Generation{Name: name, Number: number, Dir: s.dirOf(name, number)}
	data, err := os.ReadFile(g.ChainFile())
	if err == nil {
		g.Chain, err = leaf.ParseChain(data)
	}
	if err == nil {
		g.Leaf = g.Chain[0]
		data, err = os.ReadFile(filepath.Join(g.Dir, metaFile))
	}
	if err == nil {
		err = json.Unmarshal(data, &g.Meta)
	}
	if err != nil {
		return Generation{}, fmt.Errorf("reading generation %d of %s: %w", number, name, err)
	}
	return g, nil
}

// Latest loads the newest generation; fs.ErrNotExist where there is none.
func (s *Store) Latest(name string) (Generation, error) {
	numbers, err := s.numbers(name)
	if err != nil {
		return Generation{}, err
	}
	if len(numbers) == 0 {
		return Generation{}, fmt.Errorf("certificate %s: never issued: %w", name, fs.ErrNotExist)
	}
	return s.Generation(name, numbers[len(numbers)-1])
}

// Add makes a new generation appear, whole. key may be nil.
func (s *Store) Add(name string, key, chainPEM []byte, meta Meta) (Generation, error) {
	g, err := s.place(name, key, chainPEM, meta)
	if err != nil {
		return Generation{}, fmt.Errorf("storing the certificate %s: %w", name, err)
	}
	return g, nil
}

func (s *Store) place(name string, key, chainPEM []byte, meta Meta) (Generation, error) {
	dir := s.genDir(name)
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return Generation{}, err
	}
	Sweep(dir)
	number, err := s.nextNumber(name)
	if err != nil {
		return Generation{}, err
	}
	tmp, err := os.MkdirTemp(dir, durable.TempPrefix)
	if err != nil {
		return Generation{}, err
	}
	defer os.RemoveAll(tmp) // after the rename: nothing is there
	if err := fill(tmp, key, chainPEM, meta); err != nil {
		return Generation{}, err
	}
	if err := durable.Rename(tmp, s.dirOf(name, number)); err != nil {
		return Generation{}, err
	}
	return s.Generation(name, number)
}

// nextNumber is above every number that was ever given and is remembered: a
// path names one generation for ever, also where its files are gone.
func (s *Store) nextNumber(name string) (int, error) {
	numbers, err := s.numbers(name)
	if err != nil {
		return 0, err
	}
	state, err := s.State(name)
	if err != nil {
		return 0, err
	}
	numbers = append(numbers, state.Deployed, state.Held)
	return slices.Max(append(numbers, state.Revoked...)) + 1, nil
}

func fill(dir string, key, chainPEM []byte, meta Meta) error {
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	data, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return err
	}
	if key != nil {
		if err := durable.WriteFile(filepath.Join(dir, keyFile), key, 0o600); err != nil {
			return err
		}
	}
	if err := durable.WriteFile(filepath.Join(dir, chainFile), chainPEM, 0o644); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, metaFile), data, 0o600)
}

// Sweep removes what a kill left half-made in dir.
func Sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), durable.TempPrefix) {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
