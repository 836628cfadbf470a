package httpd

import "log/slog"

// Config says which Apache, and where our own files live.
type Config struct {
	Binary       string   // "" finds apache2 or httpd
	ServerRoot   string   // with ConfigFile: a layout of one's own; "" finds Debian's or RHEL's
	ConfigFile   string   // main configuration file, "" for the layout's
	EtcDir       string   // our site includes, and the global file of a plain layout
	StateDir     string   // journal, history, manifest; created with mode 0700
	TLSLog       string   // absolute path of the TLS access log
	StartCommand []string // starts a dead Apache; nil chooses by layout
	Log          *slog.Logger
}

// Logger is Log, or one that says nothing.
func (c Config) Logger() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}
