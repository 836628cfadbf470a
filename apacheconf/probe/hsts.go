package probe

import (
	"math"
	"strconv"
	"strings"
)

// parseHSTS reads the header (RFC 6797, 6.1). A browser obeys the first one
// and ignores it wholly when it breaks the grammar, names a directive twice or
// has no max-age.
func parseHSTS(values []string) *HSTS {
	if len(values) == 0 {
		return nil
	}
	h := &HSTS{Raw: values[0], Headers: len(values), Valid: true}
	seen := map[string]bool{}
	for rest := values[0]; rest != ""; {
		var name, value string
		var ok bool
		name, value, rest, ok = cutDirective(rest)
		if name == "" && ok {
			continue // an empty directive is allowed
		}
		name = strings.ToLower(name)
		h.Valid = h.Valid && ok && !seen[name]
		seen[name] = true
		h.directive(name, value)
	}
	h.Valid = h.Valid && seen["max-age"]
	return h
}

// cutDirective takes the first directive off: a token, and where "=" follows a
// token or a quoted string.
func cutDirective(s string) (name, value, rest string, ok bool) {
	end := strings.IndexAny(s, "=;")
	if end < 0 {
		end = len(s)
	}
	name, rest = strings.Trim(s[:end], " \t"), s[end:]
	ok = isToken(name) || name == ""
	if rest, found := strings.CutPrefix(rest, "="); found {
		value, rest, good := cutValue(strings.TrimLeft(rest, " \t"))
		return name, value, rest, ok && good && name != ""
	}
	return name, "", strings.TrimPrefix(rest, ";"), ok
}

func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		value = strings.TrimRight(value, " \t")
		return value, rest, isToken(value)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			after, rest, _ := strings.Cut(s[i+1:], ";")
			return b.String(), rest, strings.Trim(after, " \t") == ""
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), "", false
}

// isToken tells whether s is a token (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func (h *HSTS) directive(name, value string) {
	switch name {
	case "max-age":
		h.MaxAge = seconds(value)
		h.Valid = h.Valid && h.MaxAge >= 0
		h.MaxAge = max(h.MaxAge, 0)
	case "includesubdomains":
		h.IncludeSubDomains = true
		h.Valid = h.Valid && value == "" // it takes no value
	case "preload":
		h.Preload = true
	}
}

// seconds reads a number of digits alone, or gives -1. One that is too large
// for 64 bits is as good as the largest.
func seconds(digits string) int64 {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return -1
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return n
}
