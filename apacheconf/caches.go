package apacheconf

import (
	"cmp"
	"strings"

	"tlskeeper/apacheconf/conf"
)

// cacheDirectives name the two caches that mod_ssl keeps for ever.
var cacheDirectives = []string{"SSLSessionCache", "SSLStaplingCache"}

// cacheFaults: mod_ssl keeps the pointer to the cache of its last generation,
// so removing SSLSessionCache or SSLStaplingCache and reloading kills Apache
// (measured, 13 of 13; ssl_engine_config.c ssl_config_global_create). It
// compares what the running Apache has loaded, as far as the files, our
// manifest and its memory tell, with the configuration next.
func (s *Server) cacheFaults(was manifest, next []*conf.Node) []conf.Finding {
	loaded := map[string]bool{"SSLSessionCache": was.Cache, "SSLStaplingCache": was.Stapling}
	edited, held := s.unnamedCaches()
	var out []conf.Finding
	var unknown []string
	for _, name := range cacheDirectives {
		old := conf.Last(s.conf, name)
		known := loaded[name] && s.since(was)
		switch {
		case !active(old) && known:
			held-- // it is this one
		case !active(old) && !active(conf.Last(next, name)):
			unknown = append(unknown, name)
		}
		if (active(old) || known) && !active(conf.Last(next, name)) {
			out = append(out, s.cacheRemoval(name, old, edited))
		}
	}
	if held > 0 && len(unknown) > 0 {
		out = append(out, s.heldCaches(unknown, held, edited)...)
	}
	return out
}

func (s *Server) cacheRemoval(name string, old *conf.Node, edited string) conf.Finding {
	f := conf.Finding{Code: "cache-removal", File: cmp.Or(edited, s.ConfigFile), What: "removing " + name + " and reloading kills Apache; it needs stop and start", Fix: withRestart}
	if old != nil {
		f.File, f.Line = old.File, old.Line
	} else {
		f.Line = commentedOut(f.File, name)
	}
	return f
}

// heldCaches: the running Apache holds caches that no line names any more.
// Which ones is told by a "none", by lines that were commented out, or is left
// open.
func (s *Server) heldCaches(names []string, held int, edited string) []conf.Finding {
	var all, marked []conf.Finding
	for _, name := range names {
		f := conf.Finding{Code: "cache-removal", File: edited, Line: commentedOut(edited, name), What: heldBy(name), Fix: withRestart}
		if none := conf.Last(s.conf, name); none != nil {
			f.File, f.Line = none.File, none.Line
		}
		if all = append(all, f); f.Line > 0 {
			marked = append(marked, f)
		}
	}
	switch {
	case len(marked) == held:
		return marked
	case held >= len(all):
		return all
	}
	return []conf.Finding{{Code: "cache-removal", File: edited, What: heldBy(strings.Join(names, " or ")), Fix: withRestart}}
}

func heldBy(name string) string {
	return "edited since Apache read it, and the running one seems to hold a cache that no " + name + " names any more: a reload would kill it"
}

// withRestart is what to type where a reload would not do.
const withRestart = "the same again with --allow-restart, which stops and starts Apache"

func active(cache *conf.Node) bool {
	return cache != nil && !strings.EqualFold(cache.Arg(0), "none")
}

// commentedOut is the line of a file in which a directive stands behind a #, 0
// where there is none.
func commentedOut(file, name string) int {
	if file == "" {
		return 0
	}
	lines, err := readConf(file)
	if err != nil {
		return 0
	}
	for _, l := range lines {
		text := strings.TrimSpace(l.Text)
		if word, _ := conf.SplitDirective(strings.TrimLeft(text, "# \t")); strings.HasPrefix(text, "#") && strings.EqualFold(word, name) {
			return l.First
		}
	}
	return 0
}
