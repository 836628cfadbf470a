package store

import (
	"fmt"
	"io/fs"
	"time"

	"tlskeeper/internal/leaf"
)

// Import makes a certificate of another client a generation of ours, after the
// checks that one of our own has to pass. One that is there already is left
// alone: fs.ErrExist.
func (s *Store) Import(name string, keyPEM, chainPEM []byte, meta Meta) (Generation, error) {
	if err := CheckName(name); err != nil {
		return Generation{}, err
	}
	chain, err := leaf.ParseChain(chainPEM)
	if err != nil {
		return Generation{}, fmt.Errorf("importing %s: %w", name, err)
	}
	key, err := leaf.ParseKey(keyPEM)
	if err != nil {
		return Generation{}, fmt.Errorf("importing %s: %w", name, err)
	}
	want := leaf.Want{Names: leaf.Names(chain[0]), PublicKey: key.Public(), Now: time.Now()}
	if err := leaf.Check(chain, want); err != nil {
		return Generation{}, fmt.Errorf("importing %s: %w", name, err)
	}
	numbers, err := s.numbers(name)
	if err != nil {
		return Generation{}, err
	}
	for _, n := range numbers {
		if g, err := s.Generation(name, n); err == nil && g.Leaf.Equal(chain[0]) {
			return g, fmt.Errorf("importing %s: %w", name, fs.ErrExist)
		}
	}
	meta.Names, meta.KeyType = want.Names, leaf.KeyType(key.Public())
	g, err := s.Add(name, keyPEM, chainPEM, meta)
	if err != nil {
		return g, err
	}
	return g, s.Link(g)
}
