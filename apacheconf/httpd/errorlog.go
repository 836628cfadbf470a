package httpd

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
)

// maxWords bounds what is read of an error log, and how many messages are
// repeated.
const (
	maxWordBytes = 64 << 10
	maxWords     = 6
)

// errorLog is the server's own error log, "" where it is none we can read.
// The default is that of httpd (core.c).
func (s *Server) errorLog() string {
	path := "logs/error_log"
	if n := conf.Last(s.Conf, "ErrorLog"); n != nil {
		path = n.Arg(0)
	}
	path = conf.Abs(s.httpd.root, path)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// LogEnd is where the error log ends now.
func (s *Server) LogEnd() int64 {
	info, err := os.Stat(s.errorLog())
	if err != nil {
		return 0
	}
	return info.Size()
}

// bareMessage is one of the start-up messages that httpd writes without a head.
var bareMessage = regexp.MustCompile(`^(?:\(\d+\)[^:]*: )?AH\d{5}: `)

// LastWords are the messages of the error log since from that may say why
// Apache ended.
func (s *Server) LastWords(from int64) []string {
	f, err := os.Open(s.errorLog())
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, from, maxWordBytes))
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		message := strings.TrimSpace(line)
		if _, words, ok := LogEntry(message); ok {
			message = words
		} else if !bareMessage.MatchString(message) {
			continue
		}
		if !IsNoise(message) && !slices.Contains(out, message) && len(out) < maxWords {
			out = append(out, message)
		}
	}
	return out
}

// logMessage takes the module, level and message out of an error log line.
var logMessage = regexp.MustCompile(`^\[[^\]]*\] \[(?:[a-z0-9_]*):(emerg|crit|alert|error)\] (?:\[pid [^\]]*\] )?(.*)$`)

// LogEntry takes a line of an error log apart, ok only for one of a fault.
func LogEntry(line string) (level, message string, ok bool) {
	m := logMessage.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// noise ends every failed start and says nothing.
var noise = []string{"AH02312", "AH02311", "AH00016", "AH00020"}

// IsNoise tells whether a message is one that ends every failed start and says
// nothing.
func IsNoise(message string) bool {
	code, _, _ := strings.Cut(message, ":")
	return slices.Contains(noise, code)
}
