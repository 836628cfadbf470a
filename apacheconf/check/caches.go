package check

import (
	"cmp"
	"slices"
	"strings"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
)

// cacheDirectives name the two caches that mod_ssl keeps for ever.
var cacheDirectives = []string{"SSLSessionCache", "SSLStaplingCache"}

// Caches: mod_ssl keeps the pointer to the cache of its last generation,
// so removing SSLSessionCache or SSLStaplingCache and reloading kills Apache
// (measured, 13 of 13; ssl_engine_config.c ssl_config_global_create). It
// compares what the running Apache has loaded, as far as the files, v.Held and
// its memory tell, with the planned configuration.
func Caches(v View) []conf.Finding {
	s, next := v.Server, v.Next
	if s.Has("ssl_module") && v.Modules != nil && !slices.Contains(v.Modules, "ssl_module") {
		return nil // the pointer goes with the module
	}
	edited, held := unnamedCaches(s)
	var out []conf.Finding
	var unknown []string
	for _, name := range cacheDirectives {
		old := conf.Last(s.Conf, name)
		known := slices.Contains(v.Held, name)
		switch {
		case !active(old) && known:
			held-- // it is this one
		case !active(old) && !active(conf.Last(next, name)):
			unknown = append(unknown, name)
		}
		if (active(old) || known) && !active(conf.Last(next, name)) {
			out = append(out, cacheRemoval(s, name, old, edited))
		}
	}
	if held > 0 && len(unknown) > 0 {
		out = append(out, heldCaches(s, unknown, held, edited)...)
	}
	return out
}

func cacheRemoval(s *httpd.Server, name string, old *conf.Node, edited string) conf.Finding {
	f := conf.Finding{Code: "cache-removal", File: cmp.Or(edited, s.ConfigFile), What: "removing " + name + " and reloading kills Apache; it needs stop and start", Fix: WithRestart}
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
func heldCaches(s *httpd.Server, names []string, held int, edited string) []conf.Finding {
	var all, marked []conf.Finding
	for _, name := range names {
		f := conf.Finding{Code: "cache-removal", File: edited, Line: commentedOut(edited, name), What: heldBy(name), Fix: WithRestart}
		if none := conf.Last(s.Conf, name); none != nil {
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
	return []conf.Finding{{Code: "cache-removal", File: edited, What: heldBy(strings.Join(names, " or ")), Fix: WithRestart}}
}

func heldBy(name string) string {
	return "edited since Apache read it, and the running one seems to hold a cache that no " + name + " names any more: a reload would kill it"
}

// WithRestart is what to type where a reload would not do.
const WithRestart = "the same again with --allow-restart, which stops and starts Apache"

func active(cache *conf.Node) bool {
	return cache != nil && !strings.EqualFold(cache.Arg(0), "none")
}

// commentedOut is the line of a file in which a directive stands behind a #, 0
// where there is none.
func commentedOut(file, name string) int {
	if file == "" {
		return 0
	}
	lines, err := httpd.ReadConf(file)
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
