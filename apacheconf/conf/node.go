// Package conf is an effective configuration of Apache as a tree: its
// directives, virtual hosts, addresses and places, as httpd's own dump tells
// them or as a file of ours would add them. It is pure: it opens no file and
// starts no process. (Host names in a <VirtualHost> are looked up, as httpd
// does.)
//
// It may import internal/leaf.
package conf

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Node is one directive, or one section with what is in it, of the effective
// configuration: Include, IfModule, Define and Macro are resolved already.
type Node struct {
	Name     string // as written
	Args     string // the rest of the line, raw
	File     string
	Line     int
	Section  bool
	InMacro  bool   // file and line are those of the macro's definition
	UseFile  string // where the macro was used; else same as file
	UseLine  int
	Children []*Node
}

// Is tells whether the directive has this name; case does not matter.
func (n *Node) Is(name string) bool { return strings.EqualFold(n.Name, name) }

// Place is "file:line".
func (n *Node) Place() string { return fmt.Sprintf("%s:%d", n.File, n.Line) }

// Text is the whole directive on one line.
func (n *Node) Text() string { return strings.TrimSpace(n.Name + " " + n.Args) }

// Words splits the arguments as httpd does (server/util.c, ap_getword_conf).
func (n *Node) Words() []string {
	var out []string
	rest := strings.TrimSpace(n.Args)
	for rest != "" {
		var w string
		w, rest = NextWord(rest)
		out = append(out, w)
	}
	return out
}

// Arg is the i-th argument, "" where there is none.
func (n *Node) Arg(i int) string {
	if words := n.Words(); i < len(words) {
		return words[i]
	}
	return ""
}

// NextWord takes the first argument off a line that does not begin with a blank.
func NextWord(s string) (word, rest string) {
	if quote := s[0]; quote == '"' || quote == '\'' {
		return quotedWord(s[1:], quote)
	}
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimLeft(s[end:], " \t")
}

func quotedWord(s string, quote byte) (word, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return b.String(), strings.TrimLeft(s[i+1:], " \t")
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == quote):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// Last finds the directive that wins among nodes: the last one by that name.
func Last(nodes []*Node, name string) *Node {
	for i := len(nodes) - 1; i >= 0; i-- {
		if nodes[i].Is(name) && !nodes[i].Section {
			return nodes[i]
		}
	}
	return nil
}

// All finds every directive of that name, in order, sections not searched.
func All(nodes []*Node, name string) []*Node {
	var out []*Node
	for _, n := range nodes {
		if n.Is(name) {
			out = append(out, n)
		}
	}
	return out
}

// Abs is how httpd reads a path relative to its ServerRoot.
func Abs(root, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

// IsCertificate: the lines that adoption replaces. The chain file is one
// of them: our fullchain has the chain in it.
func IsCertificate(n *Node) bool {
	return n.Is("SSLCertificateFile") || n.Is("SSLCertificateKeyFile") || n.Is("SSLCertificateChainFile")
}

// TLSNodes are the directives that a shadow takes over: all of mod_ssl's, the
// names that choose a certificate, and the ALPN list.
func TLSNodes(nodes []*Node) []*Node {
	var out []*Node
	for _, n := range nodes {
		name := strings.ToLower(n.Name)
		own := strings.HasPrefix(name, "ssl") || name == "servername" || name == "serveralias" || name == "protocols"
		if own && !n.Section && !shadowSkips[name] {
			out = append(out, n)
		}
	}
	return out
}

// shadowSkips are checked per request, or name devices that one process holds.
var shadowSkips = map[string]bool{"sslrandomseed": true, "sslcryptodevice": true, "sslrequiressl": true, "sslrequire": true, "sslusername": true}

// Quote writes an argument the way httpd reads it back.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
