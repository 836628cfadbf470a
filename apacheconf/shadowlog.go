package apacheconf

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// logMessage takes the module, level and message out of an error log line.
var logMessage = regexp.MustCompile(`^\[[^\]]*\] \[(?:[a-z0-9_]*):(emerg|crit|alert|error)\] (?:\[pid [^\]]*\] )?(.*)$`)

// codeDirective tells which directive a message of mod_ssl is about. Sources:
// modules/ssl/ssl_engine_init.c, ssl_util_stapling.c; each was measured.
var codeDirective = map[string]string{
	"AH02231": "SSLProtocol",
	"AH01898": "SSLCipherSuite",
	"AH10127": "SSLCipherSuite",
	"AH02407": "SSLOpenSSLConfCmd",
	"AH01958": "SSLUseStapling",
	"AH02565": "SSLCertificateFile",
	"AH02562": "SSLCertificateFile",
	"AH02561": "SSLCertificateFile",
	"AH02563": "SSLCertificateKeyFile",
	"AH02564": "SSLCertificateKeyFile",
	"AH02577": "SSLCertificateKeyFile",
	"AH02579": "SSLCertificateKeyFile",
	"AH02572": "SSLEngine",
	"AH02287": "SSLSessionTicketKeyFile",
	"AH02286": "SSLSessionTicketKeyFile",
	"AH01895": "SSLCACertificateFile",
	"AH01896": "SSLCACertificateFile",
}

// noise ends every failed start and says nothing.
var noise = []string{"AH02312", "AH02311", "AH00016", "AH00020"}

// explain reads the logs of a shadow that ended: every virtual host has its
// own, so a message names its place also where its text does not.
func (sh *shadow) explain() []Finding {
	var out []Finding
	for i := range sh.lines {
		out = append(out, sh.explainLog(i)...)
	}
	if len(out) > 0 {
		return out
	}
	text, _ := os.ReadFile(filepath.Join(sh.dir, "start.log"))
	return []Finding{{Code: "shadow", What: or(strings.Join(strings.Fields(string(text)), " "), "it ended without a word")}}
}

func (sh *shadow) explainLog(i int) []Finding {
	f, err := os.Open(filepath.Join(sh.dir, fmt.Sprintf("error-%d.log", i)))
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []Finding
	for scan := bufio.NewScanner(f); scan.Scan(); {
		m := logMessage.FindStringSubmatch(scan.Text())
		if m == nil {
			continue
		}
		code, _, _ := strings.Cut(m[2], ":")
		detail, isDetail := strings.CutPrefix(m[2], "SSL Library Error: ")
		switch {
		case slices.Contains(noise, code):
		case isDetail && len(out) > 0:
			out[len(out)-1].What += ": " + detail
		case m[1] == "emerg" || m[1] == "crit" || m[1] == "alert" || codeDirective[code] != "":
			out = append(out, sh.locate(i, code, m[2]))
		}
	}
	return out
}

// locate finds the line of the configuration that a message is about: the
// last such directive of the virtual host, else of the server; best one whose
// argument the message quotes.
func (sh *shadow) locate(i int, code, message string) Finding {
	f := Finding{Code: "shadow", What: message}
	if name := last(sh.lines[i], "ServerName"); name != nil && i > 0 {
		f.VHost = name.arg(0)
	}
	for _, nodes := range [][]*node{sh.lines[i], sh.lines[0]} {
		if n := suspect(nodes, code, message); n != nil {
			f.File, f.Line = n.file, n.line
			f.What += fmt.Sprintf(" (%s)", n.text())
			return f
		}
	}
	return f
}

func suspect(nodes []*node, code, message string) *node {
	name := codeDirective[code]
	var found *node
	for _, n := range nodes {
		if !n.is(name) || (code == "AH10127") != isTLS13(n) && name == "SSLCipherSuite" {
			continue
		}
		found = n
		if words := n.words(); len(words) > 0 && name != "SSLEngine" && strings.Contains(message, words[len(words)-1]) {
			return n
		}
	}
	return found
}
