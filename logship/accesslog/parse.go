package accesslog

import (
	"bytes"
	"errors"
	"time"
)

// The ways in which a line is not one that httpd wrote with Format. Their text
// never holds the line itself, which is the client's choice.
var (
	errStamp  = errors.New("time is not [dd/Mon/yyyy:hh:mm:ss +zone]")
	errFields = errors.New("fewer than six fields before the user agent")
	errAgent  = errors.New("user agent is not one quoted field at the end of the line")
	errByte   = errors.New("a byte outside printable ASCII, which httpd would have escaped")
)

// Parse reads one line without its newline. What it accepts, Entry.Append gives
// back byte for byte; a line that could not be given back is an error.
//
// For many lines use a Parser, which remembers the last second.
func Parse(line []byte) (Entry, error) {
	var p Parser
	r, err := p.Scan(line)
	if err != nil {
		return Entry{}, err
	}
	return r.Entry(), nil
}

// Record is a line cut at its fields without a copy: the slices alias the line.
type Record struct {
	Unix      int64  // seconds since 1970, never negative
	Zone      int    // seconds east of UTC, as %t says it
	Client    []byte // %h
	Middle    []byte // "http,vhost,protocol,cipher": exactly three commas
	UserAgent []byte // between the quotes, escaped
}

// Entry copies r into an Entry.
func (r Record) Entry() Entry {
	words := SplitMiddle(string(r.Middle))
	return Entry{
		Time:      time.Unix(r.Unix, 0).In(time.FixedZone("", r.Zone)),
		Client:    string(r.Client),
		HTTP:      words[0],
		VHost:     words[1],
		Protocol:  words[2],
		Cipher:    words[3],
		UserAgent: string(r.UserAgent),
	}
}

// SplitMiddle cuts a Record's Middle into HTTP version, vhost, protocol, cipher.
func SplitMiddle(middle string) [4]string {
	var words [4]string
	rest := middle
	for i := range 3 {
		for j := range len(rest) {
			if rest[j] == ',' {
				words[i], rest = rest[:j], rest[j+1:]
				break
			}
		}
	}
	words[3] = rest
	return words
}

// Parser scans lines and keeps the last time stamp it read, because a busy log
// repeats it. The zero value is ready; it is not safe for concurrent use.
type Parser struct {
	stamp [stampLen]byte
	unix  int64
	zone  int
}

// Scan cuts line (without its newline) at its fields. It accepts exactly what Parse accepts.
func (p *Parser) Scan(line []byte) (Record, error) {
	if len(line) <= stampLen || line[stampLen] != ',' {
		return Record{}, errStamp
	}
	if !bytes.Equal(p.stamp[:], line[:stampLen]) {
		if err := p.readStamp(line[:stampLen]); err != nil {
			return Record{}, err
		}
	}
	r := Record{Unix: p.unix, Zone: p.zone}
	rest := line[stampLen+1:]
	client := bytes.IndexByte(rest, ',')
	if client < 0 {
		return Record{}, errFields
	}
	r.Client, rest = rest[:client], rest[client+1:]
	middle := fourthComma(rest)
	if middle < 0 {
		return Record{}, errFields
	}
	r.Middle, rest = rest[:middle], rest[middle+1:]
	if len(rest) < 2 || rest[0] != '"' || rest[len(rest)-1] != '"' {
		return Record{}, errAgent
	}
	r.UserAgent = rest[1 : len(rest)-1]
	return r, check(r)
}

// fourthComma returns the place of the fourth comma of b, or -1.
func fourthComma(b []byte) int {
	at := -1
	for range 4 {
		next := bytes.IndexByte(b[at+1:], ',')
		if next < 0 {
			return -1
		}
		at += 1 + next
	}
	return at
}

// check refuses what httpd cannot have written: a raw control or non-ASCII byte
// anywhere, and a quote in the user agent that no backslash escapes.
func check(r Record) error {
	if !printable(r.Client) || !printable(r.Middle) || !printable(r.UserAgent) {
		return errByte
	}
	agent := r.UserAgent
	for i := 0; i < len(agent); i++ {
		switch agent[i] {
		case '"':
			return errAgent
		case '\\':
			i++ // the escaped byte
			if i == len(agent) {
				return errAgent // it escaped the closing quote
			}
		}
	}
	return nil
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
