package check

import (
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// Fault is what a Finding.Code stands for.
type Fault struct {
	Code string `json:"code"`
	What string `json:"what"` // what is wrong, in a sentence
	Why  string `json:"why"`  // why that kills or misleads
	Do   string `json:"do"`   // what to type, or to write
}

// Faults are all of them, by code.
func Faults() []Fault {
	var out []Fault
	for _, f := range faults {
		out = append(out, f.Fault)
	}
	slices.SortFunc(out, func(a, b Fault) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// fault is a row of the table: a code, and the check that looks for it where it
// is one of ours. A check that finds several stands at the first of them.
type fault struct {
	Fault
	planned func(*planned)                     // in a plan
	present func(*httpd.Server) []conf.Finding // in what is there already
}

// faults is every code of the apacheconf tree; its order is that of the checks.
var faults = []fault{
	// What kills Apache at its next reload or start.
	{Fault: Fault{"listen", "A Listen that cannot be bound.", "`httpd -t` does not try it; a reload with it ends the server (AH00072, AH00019).",
		"Take the Listen out or end the process that is named; where Apache itself holds the port by another address, stop and start it."}, present: listenFaults},
	{Fault: Fault{"program", "A program of a piped log or of a RewriteMap is missing or cannot be executed.", "`httpd -t` starts none of them; a reload ends the server (AH00104, AH00089, AH00654).",
		"Install the program, or take the line out."}, present: programFaults},
	{Fault: Fault{"cache-removal", "SSLSessionCache or SSLStaplingCache would go while Apache runs.", "mod_ssl keeps a pointer to the cache of its last configuration; a reload without the cache ends the server.",
		"The same again with --allow-restart, or put the line back."}},
	{Fault: Fault{"log-directory", "The directory of the TLS log is missing.", "httpd opens the log when it loads the configuration, and ends where it cannot (AH02297).",
		"mkdir -m 0750 DIRECTORY, or set [apache] tls_log."}},
	{Fault: Fault{"syntax", "httpd cannot read its own configuration.", "Nothing can be planned on it, and the next reload or start fails.",
		"apachectl -t, and mend the line that it names; after a change that was cut off: tlskeeper apache rollback."}},
	{Fault: Fault{"not-a-file", "An Include reads a FIFO, a device or a socket.", "httpd waits for it for ever, at its next start too.",
		"Move it out of the include directory."}},
	{Fault: Fault{"shadow", "A shadow Apache with these TLS directives does not start.", "Keys, certificates, cipher strings, groups and protocols are looked at after the phase that `httpd -t` runs; the live server would die of the same.",
		"Mend the line that is named; the words are httpd's own."}},
	{Fault: Fault{"not-running", "Apache is not running.", "Nothing can be proved on the wire, and nothing is served.",
		"Start it by the command that stands there."}},

	// What a plan would do to a virtual host.
	{Fault: Fault{"first-host", "A virtual host of ours would become the first of its address.", "The first one answers for every unknown name, and its key-exchange groups hold for all hosts there.",
		"Give our file a name that comes later, or move its Include, as the finding says."}, planned: (*planned).firstHostRule},
	{Fault: Fault{"override", "A line of the configuration wins over ours.", "httpd takes the line of a virtual host, or a later one of the server; what the profile promises does not hold there.",
		"Take the line out, or keep it on purpose."}, planned: (*planned).tlsHosts},
	{Fault: Fault{"expired", "A certificate has expired.", "httpd serves it without a word; clients refuse it.", "tlskeeper renew, or give that host a certificate of ours: tlskeeper apache adopt NAME."}},
	{Fault: Fault{"not-yet-valid", "A certificate is not valid yet.", "httpd serves it without a word; clients refuse it.", "Look at the clock of this host (timedatectl), or serve the former certificate."}},
	{Fault: Fault{"other-name", "A certificate is not valid for a name of its virtual host.", "Clients that ask for the name get a certificate of another one and refuse it.", "tlskeeper issue with this name too, or take the name out of the host."}},
	{Fault: Fault{"no-intermediate", "The intermediate of a certificate is missing.", "Browsers may fetch or remember it; most other clients cannot and refuse the certificate.", "Serve the full chain, which our certificates have: tlskeeper apache adopt NAME."}},
	{Fault: Fault{"foreign-chain", "The file of a certificate holds certificates that signed nothing of its chain.", "Each handshake is larger for nothing, and some clients refuse it.", "Take them out of the file."}},
	{Fault: Fault{"stapling", "SSLUseStapling is on, and the certificate names no OCSP responder.", "Two lines in the error log at each start, and no staple.", "Take SSLUseStapling out of that host."}},
	{Fault: Fault{"rsa", "The only certificates of a host are RSA, and its suites are for ECDSA alone.", "Apache starts, and no TLS 1.2 client can connect.", "tlskeeper apache adopt NAME, or key_type = \"secp384r1\" and tlskeeper issue --force NAME, or the profile intermediate."}, planned: (*planned).leafTypes},
	{Fault: Fault{"double-hsts", "A Header line sends a second Strict-Transport-Security, or makes ours unreadable.", "Browsers read one header only (RFC 6797, 8.1).", "Take the line out, or set [apache] hsts = \"off\"."}, planned: (*planned).doubleHSTS},
	{Fault: Fault{"redirect-nowhere", "A site is redirected to HTTPS, and no TLS virtual host has its name.", "Visitors would see the certificate of another site.", "tlskeeper apache vhost NAME, or take the site out of redirect."}, planned: (*planned).redirectTargets},
	{Fault: Fault{"redirect-unused", "A site is to be redirected, and no plain virtual host has its name.", "Only what answers in its place would redirect it.", "Take the site out of redirect, or make the plain host."}},
	{Fault: Fault{"lost-log", "A TLS log by CustomLog misses virtual hosts.", "A host with a log of its own does not write into that of the server.", "tlskeeper apache apply --log-only: ours is a GlobalLog and misses none."}, planned: (*planned).lostLog},
	{Fault: Fault{"dangling", "A link in an include directory leads nowhere.", "Apache leaves it out without a word, and a whole site with it.", "Remove the link, or make its target."}, planned: (*planned).dangling},
	{Fault: Fault{"groups", "The key-exchange groups of a virtual host have no effect.", "Those of the first host of the address hold for all there (openssl#1652).", "Set them in that first host, or in the server."}, planned: (*planned).groupCapture},
	{Fault: Fault{"renegotiation", "SSLInsecureRenegotiation is on.", "A stranger can put words in front of a client's request (CVE-2009-3555).", "Take the line out."}, planned: (*planned).renegotiation},
	{Fault: Fault{"old-protocols", "Profile ecdsa2016 keeps TLS 1.0 and 1.1 in the file.", "Only OpenSSL's security level keeps them off the wire.", "tlskeeper apache apply --profile intermediate."}, planned: (*planned).oldProtocols},
	{Fault: Fault{"mod_md", "mod_md manages the certificate of a virtual host.", "It may change at any reload, so we check only that there is one.", "Nothing; or take the domain out of mod_md and adopt the host."}, planned: (*planned).managed},

	// What stands in the way of a plan.
	{Fault: Fault{"module", "A module that is needed is not loaded.", "httpd would not know the directives.", "Load it (a2enmod NAME on Debian, else a LoadModule line), then plan again."}},
	{Fault: Fault{"no-include", "No line of the configuration reads our file.", "It would be written and have no effect; the main file is not ours to edit.", "Write the IncludeOptional line that stands there."}},
	{Fault: Fault{"no-tls-host", "mod_ssl would be enabled, and no virtual host uses TLS.", "Its port would open for plain HTTP.", "a2ensite default-ssl, or tlskeeper apache vhost NAME."}},
	{Fault: Fault{"document-root", "The document root of a new virtual host is not a directory.", "Nothing could be served from it.", "tlskeeper apache vhost NAME --document-root DIR."}},
	{Fault: Fault{"included", "A virtual host includes our file by a line that a person wrote.", "Without the file Apache would not start.", "Give the host other certificate lines first."}},
	{Fault: Fault{"edited", "A file was changed by hand after we wrote it.", "Undoing our change would undo the other one too.", "Put the lines back that are named, or tlskeeper apache apply to have ours again."}},

	// Certificates that no virtual host would serve.
	{Fault: Fault{"no-key", "The key of a certificate is not on this host.", "Apache cannot serve the certificate without it.", "Set csr_key to the key of your own CSR."}},
	{Fault: Fault{"no-vhost", "No virtual host can take a certificate.", "It is renewed and nobody sees it.", "tlskeeper apache vhost NAME, or tlskeeper apache adopt NAME --instead."}},
	{Fault: Fault{"not-adopted", "A virtual host serves another certificate than ours.", "Ours is installed and nobody sees it.", "tlskeeper apache adopt NAME."}},
	{Fault: Fault{"adopt", "The certificate line of a virtual host is not ours to replace.", "It is in a macro, shared with other hosts, or was changed by hand.", "Write the Include that stands there, by hand."}},
	{Fault: Fault{"path", "A path cannot be written into a configuration.", "httpd has no way to quote such a character.", "Choose another [paths] etc."}},

	// What to know about a plan.
	{Fault: Fault{"rsa-clients", "A host would lose its RSA certificate.", "Clients that know RSA alone could not connect any more.", "tlskeeper query ciphers, and adopt when nobody is lost."}},
	{Fault: Fault{"log-only", "The log alone was asked for where the profile is installed.", "The profile's file holds the log already; it is left as it is.", "Nothing; or tlskeeper apache rollback first."}},
	{Fault: Fault{"modules", "Modules that we enabled stay.", "Something may use them by now, which no dump shows.", "a2dismod NAME, when nothing does."}},
	{Fault: Fault{"hsts-ramp", "HSTS is on its way to what was asked for.", "Browsers remember it and no rollback reaches them, so it climbs one step at an apply.", "tlskeeper apache apply, at the time that is named."}},
	{Fault: Fault{"hsts-kept", "HSTS goes down, and browsers keep what they were told.", "They ask by TLS for so long.", "Keep the sites reachable by TLS until then."}},
	{Fault: Fault{"redirect-ramp", "A redirect is temporary for its first week.", "Browsers forget a 307, and remember a 308.", "tlskeeper apache apply, after the time that is named."}},

	// What the wire shows.
	{Fault: Fault{"wire", "The live server shows another certificate than it should, or none.", "What is on disk is not what clients get.", "See the error log of Apache; tlskeeper apache status compares again."}},
	{Fault: Fault{"wire-policy", "The live server accepts other versions, suites or groups than the shadow did.", "The profile does not hold there.", "See which line wins: tlskeeper apache plan."}},
	{Fault: Fault{"unproven", "The shadow Apache or the live server gave no answer, so nothing can be compared.", "Silence is neither right nor wrong.", "Try again when the host is less busy: uptime."}},
	{Fault: Fault{"lost", "A name that has a certificate would have none.", "No client could shake hands there any more.", "See the virtual host of that name in the plan."}},
	{Fault: Fault{"other-leaf", "A host that includes our certificate would show another one.", "A certificate line beside our Include is still served to some clients.", "Take that line out."}},

	// What differs from what was installed.
	{Fault: Fault{"not-loaded", "The running Apache does not serve what is on disk.", "A change of the files is in force only after a reload.", "The reload that stands there, or tlskeeper apache apply."}},
	{Fault: Fault{"upgraded", "A program or library that Apache runs was replaced on disk.", "A reload keeps the old code, and loads new modules into it.", "Stop and start Apache, by the commands that stand there."}},
	{Fault: Fault{"deleted", "A file of ours is gone.", "What it said holds until the next reload.", "tlskeeper apache apply."}},
	{Fault: Fault{"link", "A link of ours is gone or leads elsewhere.", "httpd does not read what it led to.", "tlskeeper apache apply."}},
	{Fault: Fault{"adoption", "The Include in an adopted virtual host was changed by hand.", "The host may not get its next certificate.", "tlskeeper apache adopt NAME."}},
	{Fault: Fault{"unreadable", "A file of ours cannot be read.", "What is installed cannot be told.", "Look at its owner and mode, and run as root."}},
}
