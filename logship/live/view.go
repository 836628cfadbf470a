package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"tlskeeper/internal/table"
	"tlskeeper/internal/term"
	"tlskeeper/logship/accesslog"
)

// Form is how lines are shown.
type Form int

// The forms: columns for eyes, the line as it is in the log (but safe for a
// terminal), and a JSON object a line.
const (
	Columns Form = iota
	Raw
	JSON
)

// Filter chooses lines; what is empty chooses all. A line that is not in
// the format of the log passes an empty filter only.
type Filter struct {
	VHost    string // name, without regard to case
	Protocol string // such as TLSv1.2, without regard to case; TLSv1.0 is TLSv1
	Cipher   string // part of the name, without regard to case
	Client   string // address or network (192.0.2.0/24)
}

// Check tells what of l is not a filter.
func (l Filter) Check() error {
	_, err := l.compile()
	return err
}

type filter struct {
	Filter
	network netip.Prefix
}

func (l Filter) compile() (filter, error) {
	f := filter{Filter: l}
	if !strings.Contains(l.Client, "/") {
		// With HostnameLookups %h is a name, and a name has a letter and a dot.
		_, err := netip.ParseAddr(l.Client)
		isName := strings.Contains(l.Client, ".") && strings.ContainsFunc(l.Client, unicode.IsLetter)
		if l.Client != "" && err != nil && !isName {
			return f, fmt.Errorf("client %q: want an address or a network such as 192.0.2.0/24", l.Client)
		}
		return f, nil
	}
	network, err := netip.ParsePrefix(l.Client)
	if err != nil {
		return f, fmt.Errorf("client %q: want an address or a network such as 192.0.2.0/24", l.Client)
	}
	f.network = network
	return f, nil
}

func (f filter) passes(e accesslog.Entry) bool {
	return (f.VHost == "" || strings.EqualFold(f.VHost, e.VHost)) &&
		(f.Protocol == "" || sameProtocol(f.Protocol, e.Protocol)) &&
		strings.Contains(strings.ToLower(e.Cipher), strings.ToLower(f.Cipher)) &&
		f.hasClient(e.Client)
}

// sameProtocol knows that mod_ssl writes TLSv1 for what most people call TLSv1.0
// (SSL_get_version(3)).
func sameProtocol(a, b string) bool {
	const old, older = "tlsv1", "tlsv1.0"
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a == b || a == old && b == older || a == older && b == old
}

func (f filter) hasClient(client string) bool {
	if !f.network.IsValid() {
		return f.Client == "" || strings.EqualFold(f.Client, client)
	}
	addr, err := netip.ParseAddr(client)
	return err == nil && f.network.Contains(addr.Unmap())
}

// view prints lines and counts them.
type view struct {
	c         Config
	filter    filter
	shown     int
	other     int // not in the format of the log
	protocols counts
	ciphers   counts

	running   bool // the counts stand below the lines from now on
	drawn     bool
	counted   string           // as they are drawn
	countedAt time.Time        // when that was true
	due       <-chan time.Time // when they are counted again; nil while they are right
}

func newView(c Config, f filter) *view {
	return &view{c: c, filter: f, protocols: counts{}, ciphers: counts{}}
}

// line shows one line, if the filter lets it pass.
func (v *view) line(text string) error {
	e, err := accesslog.Parse([]byte(text))
	if err != nil {
		if v.filter.Filter != (Filter{}) || text == "" {
			return nil
		}
		v.other++
	} else if !v.filter.passes(e) {
		return nil
	} else {
		v.protocols.add(e.Protocol)
		v.ciphers.add(e.Cipher)
	}
	v.shown++
	v.erase()
	if _, err := fmt.Fprintln(v.c.Out, v.form(text, e, err == nil)); err != nil {
		return err
	}
	v.redraw()
	return nil
}

// form writes a line so that no byte of it commands the terminal.
func (v *view) form(text string, e accesslog.Entry, parsed bool) string {
	switch {
	case v.c.Form == JSON:
		return asJSON(text, e, parsed)
	case v.c.Form == Raw:
		return term.Escape(text)
	case !parsed:
		return v.fit(text)
	}
	return v.fit(fmt.Sprintf("%s  %-7s  %-29s  %s  %s  %s  %s", e.Time.Format("15:04:05"),
		e.Protocol, e.Cipher, e.VHost, e.Client, e.HTTP, accesslog.Unescape(e.UserAgent)))
}

func asJSON(text string, e accesslog.Entry, parsed bool) string {
	var line any = struct {
		Time      time.Time `json:"time"`
		Client    string    `json:"client"`
		HTTP      string    `json:"http"`
		VHost     string    `json:"vhost"`
		Protocol  string    `json:"protocol"`
		Cipher    string    `json:"cipher"`
		UserAgent string    `json:"user_agent"`
	}{e.Time, e.Client, e.HTTP, e.VHost, e.Protocol, e.Cipher, accesslog.Unescape(e.UserAgent)}
	if !parsed {
		line = struct {
			Raw string `json:"raw"`
		}{text}
	}
	out, err := json.Marshal(line)
	if err != nil { // strings and a time cannot fail
		return ""
	}
	return term.EscapeJSON(string(out))
}

// fit cuts a line to one row of the terminal.
func (v *view) fit(text string) string {
	text = term.Escape(text)
	width := 0
	if v.c.Width != nil {
		width = v.c.Width()
	}
	return table.Cut(text, width)
}

// begin draws the counts, and keeps them below the lines from now on.
func (v *view) begin() {
	v.running = v.c.Running
	v.redraw()
}

// redraw puts the counts below the lines. In a rush of lines they are a little
// behind until due.
func (v *view) redraw() {
	if !v.running {
		return
	}
	if age := time.Since(v.countedAt); age >= redrawEvery {
		v.counted, v.countedAt, v.due = v.summary(), time.Now(), nil
	} else if v.due == nil {
		v.due = time.After(redrawEvery - age)
	}
	v.erase()
	fmt.Fprint(v.c.Talk, table.Cut(v.counted, max(1, term.Width(v.c.Talk)-1)))
	v.drawn = true
}

func (v *view) erase() {
	if v.drawn {
		fmt.Fprint(v.c.Talk, "\r\x1b[K")
		v.drawn = false
	}
}

// end writes the counts in full.
func (v *view) end() {
	v.erase()
	fmt.Fprintln(v.c.Talk, v.summary())
}

func (v *view) summary() string {
	text := fmt.Sprintf("%d lines", v.shown)
	for _, c := range []counts{v.protocols, v.ciphers} {
		if list := c.list(v.shown); list != "" {
			text += " | " + list
		}
	}
	if v.other > 0 {
		text += fmt.Sprintf(" | %d not in the format of the TLS log", v.other)
	}
	return text
}

// counts counts words. Their number is bounded, because the file may be any.
type counts map[string]int

const (
	maxWords   = 200
	shownWords = 4
)

func (c counts) add(word string) {
	if _, known := c[word]; !known && len(c) >= maxWords {
		word = "other"
	}
	c[word]++
}

func (c counts) list(total int) string {
	words := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, w := range words[:min(len(words), shownWords)] {
		parts = append(parts, fmt.Sprintf("%s %d (%.1f %%)", term.Escape(w), c[w], 100*float64(c[w])/float64(total)))
	}
	if more := len(words) - shownWords; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}
