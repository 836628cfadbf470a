package proof

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// codeDirectives tells which directives a message of mod_ssl may be about; on
// the client side they are called SSLProxy... instead. Sources:
// modules/ssl/ssl_engine_init.c, ssl_engine_pphrase.c, ssl_util_stapling.c.
var codeDirectives = map[string][]string{
	"AH01872": {"SSLStaplingCache"},
	"AH01874": {"SSLSessionCache"},
	"AH01885": {"SSLFIPS"},
	"AH01895": {"SSLCACertificateFile", "SSLCACertificatePath"},
	"AH01896": {"SSLCADNRequestFile", "SSLCADNRequestPath", "SSLCACertificateFile", "SSLCACertificatePath"},
	"AH01898": {"SSLCipherSuite"},
	"AH01899": {"SSLCARevocationCheck"},
	"AH01901": {"SSLCARevocationFile", "SSLCARevocationPath"},
	"AH01903": {"SSLCertificateChainFile"},
	"AH01958": {"SSLUseStapling"},
	"AH02208": {"SSLMachineCertificateFile", "SSLMachineCertificatePath"},
	"AH02231": {"SSLProtocol"},
	"AH02252": {"SSLMachineCertificateFile", "SSLMachineCertificatePath"},
	"AH02270": {"SSLMachineCertificateChainFile"},
	"AH02286": {"SSLSessionTicketKeyFile"},
	"AH02287": {"SSLSessionTicketKeyFile"},
	"AH02309": {"SSLSRPVerifierFile"},
	"AH02310": {"SSLSRPVerifierFile"},
	"AH02326": {"SSLMachineCertificateFile", "SSLMachineCertificatePath"},
	"AH02407": {"SSLOpenSSLConfCmd"},
	"AH02547": {"SSLOpenSSLConfCmd"},
	"AH02561": {"SSLCertificateFile"},
	"AH02562": {"SSLCertificateFile"},
	"AH02563": {"SSLCertificateKeyFile"},
	"AH02564": {"SSLCertificateKeyFile", "SSLCertificateFile"},
	"AH02565": {"SSLCertificateFile"},
	"AH02572": {"SSLEngine"},
	"AH02577": {"SSLCertificateKeyFile", "SSLCertificateFile"},
	"AH02578": {"SSLCertificateKeyFile", "SSLCertificateFile"},
	"AH02579": {"SSLCertificateKeyFile", "SSLCertificateFile"},
	"AH02580": {"SSLCertificateKeyFile", "SSLCertificateFile"},
	"AH03378": {"SSLProtocol"},
	"AH10127": {"SSLCipherSuite"},
	"AH10130": {"SSLCertificateKeyFile"},
	"AH10137": {"SSLCertificateFile"},
}

// explain reads the logs of a shadow that ended: every virtual host has its
// own, so a message names its place also where its text does not.
func (sh *shadow) explain() []conf.Finding {
	var out []conf.Finding
	for i := range sh.units {
		out = append(out, sh.explainLog(i)...)
	}
	if len(out) > 0 {
		return out
	}
	text, _ := os.ReadFile(filepath.Join(sh.dir, "start.log"))
	return []conf.Finding{{Code: "shadow", What: cmp.Or(strings.Join(strings.Fields(string(text)), " "), "it ended without a word")}}
}

func (sh *shadow) explainLog(i int) []conf.Finding {
	f, err := os.Open(filepath.Join(sh.dir, fmt.Sprintf("error-%d.log", i)))
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []conf.Finding
	for scan := bufio.NewScanner(f); scan.Scan(); {
		level, message, ok := httpd.LogEntry(scan.Text())
		if !ok {
			continue
		}
		code, _, _ := strings.Cut(message, ":")
		detail, isDetail := strings.CutPrefix(message, "SSL Library Error: ")
		switch {
		case httpd.IsNoise(message):
		case isDetail && len(out) > 0:
			out[len(out)-1].What += ": " + detail
		case level == "emerg" || level == "crit" || level == "alert" || codeDirectives[code] != nil:
			out = append(out, sh.locate(i, code, message))
		}
	}
	return withoutPrelude(out)
}

// withoutPrelude: a key that is not found (AH02579) names no file; the message
// that follows (AH02564) does.
func withoutPrelude(found []conf.Finding) []conf.Finding {
	is := func(code string) func(conf.Finding) bool {
		return func(f conf.Finding) bool { return strings.HasPrefix(f.What, code) }
	}
	if slices.ContainsFunc(found, is("AH02564")) {
		return slices.DeleteFunc(found, is("AH02579"))
	}
	return found
}

// locate finds the line of the configuration that a message is about: the
// last such directive of the virtual host, else of the server; best one whose
// argument the message quotes. Where there is none, it is the host itself.
func (sh *shadow) locate(i int, code, message string) conf.Finding {
	f, u := conf.Finding{Code: "shadow", What: message}, sh.units[i]
	if u.host != nil {
		f.File, f.Line = u.host.File, u.host.Line
		if name := conf.Last(u.host.Children, "ServerName"); name != nil {
			f.VHost = name.Arg(0)
		}
	}
	for _, nodes := range [][]*conf.Node{u.lines(), sh.units[0].lines()} {
		if n := suspect(nodes, code, message, u.client); n != nil {
			f.File, f.Line = n.File, n.Line
			f.What += fmt.Sprintf(" (%s)", n.Text())
			return f
		}
	}
	return f
}

// suspect: of the directives that a message may be about, the one whose
// argument it quotes, else the last one of the likeliest name.
func suspect(nodes []*conf.Node, code, message string, client bool) *conf.Node {
	var found *conf.Node
	for _, name := range codeDirectives[code] {
		if client {
			name = "SSLProxy" + strings.TrimPrefix(name, "SSL")
		}
		var latest *conf.Node
		for _, n := range nodes {
			if !n.Is(name) || strings.HasSuffix(name, "CipherSuite") && (code == "AH10127") != conf.IsTLS13(n) {
				continue
			}
			if latest = n; quotes(message, n) {
				return n
			}
		}
		if found == nil {
			found = latest
		}
	}
	return found
}

// quotes: "on" and the like are in many messages.
func quotes(message string, n *conf.Node) bool {
	words := n.Words()
	return len(words) > 0 && !n.Is("SSLEngine") && strings.Contains(message, words[len(words)-1])
}
