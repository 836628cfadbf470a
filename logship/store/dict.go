package store

import (
	"database/sql/driver"
	"strconv"

	"tlskeeper/logship/accesslog"
)

// cacheBudget bounds each dictionary's cache, in bytes of keys and overhead:
// clients and user agents are the attacker's choice.
const cacheBudget = 8 << 20

// entryOverhead is about what a map entry costs beside its key.
const entryOverhead = 64

// dictionaries remember ids of words between transactions. They are dropped
// whole when they grow too large, when a transaction fails, and when the
// database's dictionary counter says that words were deleted.
type dictionaries struct {
	generation              int64
	clients, agents, combos cache
	key                     []byte // scratch
}

type cache struct {
	ids   map[string]int64
	bytes int
}

func (c *cache) put(key []byte, id int64) {
	if c.ids == nil || c.bytes > cacheBudget {
		*c = cache{ids: map[string]int64{}}
	}
	c.ids[string(key)] = id
	c.bytes += len(key) + entryOverhead
}

func (d *dictionaries) forget() { *d = dictionaries{key: d.key} }

// clientID returns the id of what the store keeps of address.
func (s *Store) clientID(address []byte) (int64, error) {
	if id, ok := s.dict.clients.ids[string(address)]; ok {
		return id, nil
	}
	kept := s.clients.Apply(string(address))
	id, err := s.word(`SELECT id FROM client WHERE address = ?`, `INSERT INTO client (address) VALUES (?)`, kept)
	if err == nil {
		s.dict.clients.put(address, id)
	}
	return id, err
}

func (s *Store) agentID(text []byte) (int64, error) {
	if id, ok := s.dict.agents.ids[string(text)]; ok {
		return id, nil
	}
	id, err := s.word(`SELECT id FROM agent WHERE text = ?`, `INSERT INTO agent (text) VALUES (?)`, string(text))
	if err == nil {
		s.dict.agents.put(text, id)
	}
	return id, err
}

// comboID looks the whole middle of a line up at once; it is cut only the first time.
func (s *Store) comboID(zone int, middle []byte) (int64, error) {
	key := strconv.AppendInt(s.dict.key[:0], int64(zone), 10)
	key = append(append(key, ','), middle...)
	s.dict.key = key
	if id, ok := s.dict.combos.ids[string(key)]; ok {
		return id, nil
	}
	w := accesslog.SplitMiddle(string(middle))
	id, err := s.word(`SELECT id FROM combo WHERE zone = ? AND http = ? AND vhost = ? AND protocol = ? AND cipher = ?`,
		`INSERT INTO combo (zone, http, vhost, protocol, cipher) VALUES (?, ?, ?, ?, ?)`,
		int64(zone), w[0], w[1], w[2], w[3])
	if err == nil {
		s.dict.combos.put(key, id)
	}
	return id, err
}

// word finds the row with values, or inserts it. It runs inside a write
// transaction, so no other writer can come between.
func (s *Store) word(find, insert string, values ...driver.Value) (int64, error) {
	var id int64
	err := s.query(func(row []driver.Value) error { return read(row, &id) }, find, values...)
	if err != nil || id != 0 {
		return id, err
	}
	return s.exec(insert, values...)
}
