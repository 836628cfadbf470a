package query

import (
	"slices"
	"strings"
)

// A plain aggregate is SELECT items FROM log, with count(*) as its only
// aggregate and no column outside of it that is not grouped by. Only such a
// question has the same answer from counted rows as from single ones. Whatever
// is not surely one is scanned: slower, never wrong.
//
// There is no parser of SQLite's dialect for this; the tokens show the outer
// shape, and SQLite itself, which prepares the question against an empty table,
// says which columns and functions are read (see describe in rollup.go).

// clauses of a SELECT, each the tokens between two keywords.
type clauses struct {
	items, where, group, having, order [][]token // where and having: one element at most
	count                              []int     // token numbers of count(*)'s first token
}

// neverPlain are words that make a question something else than one SELECT over
// the rows of log, or that a sum of counts cannot stand in for.
var neverPlain = []string{"select", "distinct", "join", "over", "window", "filter", "union", "intersect",
	"except", "values", "with", "rowid", "oid", "_rowid_", "exists", "collate", "indexed", "raise", "within", "all"}

// shape returns the clauses of a plain aggregate over log, or why it is not one.
func (q *question) shape() (*clauses, string) {
	t := q.tokens
	if !t[0].is("select") {
		return nil, "it is not one SELECT"
	}
	for i, tok := range t[1:] {
		if tok.kind == quoted {
			return nil, "it has a quoted name"
		}
		if tok.is(".") {
			return nil, "it has a qualified name"
		}
		if tok.kind == word && slices.Contains(neverPlain, strings.ToLower(tok.text)) {
			return nil, "it uses " + strings.ToUpper(tok.text)
		}
		if tok.is("in") && (i+2 >= len(t) || !t[i+2].is("(")) {
			return nil, "it reads another table"
		}
	}
	parts, why := split(t)
	if why != "" {
		return nil, why
	}
	c := &clauses{items: commas(parts["select"]), group: commas(parts["group"]), order: commas(parts["order"]),
		where: one(parts["where"]), having: one(parts["having"])}
	c.count = counts(t)
	if len(c.group) == 0 && len(c.count) == 0 {
		return nil, "it asks for single rows"
	}
	return c, c.bare()
}

// split cuts the tokens at the clause keywords that stand outside of parentheses.
func split(t []token) (map[string][]token, string) {
	order := []string{"select", "from", "where", "group", "having", "order", "limit"}
	parts := map[string][]token{}
	at, depth := -1, 0
	for i := 0; i < len(t); i++ {
		switch {
		case t[i].is("("):
			depth++
		case t[i].is(")"):
			depth--
		}
		k := slices.Index(order, strings.ToLower(t[i].text))
		if depth != 0 || t[i].kind != word || k < 0 {
			if at < 0 {
				return nil, "it is not one SELECT"
			}
			parts[order[at]] = append(parts[order[at]], t[i])
			continue
		}
		if k <= at {
			return nil, "its clauses are in another order"
		}
		at = k
		if (order[k] == "group" || order[k] == "order") && i+1 < len(t) && t[i+1].is("by") {
			i++
		}
	}
	from := parts["from"]
	if len(from) != 1 || !from[0].is("log") {
		return nil, "it reads from something else than log alone"
	}
	return parts, ""
}

func one(t []token) [][]token {
	if len(t) == 0 {
		return nil
	}
	return [][]token{t}
}

// commas cuts a list at its commas outside of parentheses.
func commas(t []token) [][]token {
	var list [][]token
	depth, from := 0, 0
	for i, tok := range t {
		switch {
		case tok.is("("):
			depth++
		case tok.is(")"):
			depth--
		case tok.is(",") && depth == 0:
			list = append(list, t[from:i])
			from = i + 1
		}
	}
	if from < len(t) {
		list = append(list, t[from:])
	}
	return list
}

// counts finds every count(*).
func counts(t []token) []int {
	var at []int
	for i := 0; i+3 < len(t); i++ {
		if t[i].is("count") && t[i+1].is("(") && t[i+2].is("*") && t[i+3].is(")") {
			at = append(at, i)
		}
	}
	return at
}

// bare says why the question may show a column of one row out of many, which
// SQLite picks as it likes: a column that is neither grouped by nor counted.
func (c *clauses) bare() string {
	g := grouping{terms: map[string]bool{}, columns: map[string]bool{}, aliases: map[string]bool{}}
	for _, item := range c.items {
		if expr, alias := named(item); alias != "" && isColumn(alias) && key(expr) != strings.ToLower(alias) {
			return "it gives " + alias + " another meaning"
		}
	}
	for _, term := range c.group {
		g.add(c.resolve(term))
	}
	for _, item := range c.items {
		expr, alias := named(item)
		if why := g.holds(expr); why != "" {
			return why
		}
		if alias != "" {
			g.aliases[strings.ToLower(alias)] = true
		}
	}
	for _, term := range append(slices.Clone(c.having), c.order...) {
		if why := g.holds(term); why != "" {
			return why
		}
	}
	return ""
}

// resolve gives the expression that a GROUP BY term means: by number, by
// another name, or itself.
func (c *clauses) resolve(term []token) []token {
	if len(term) != 1 {
		return term
	}
	for i, item := range c.items {
		expr, alias := named(item)
		if term[0].kind == numeral && term[0].text == itoa(i+1) ||
			term[0].kind == word && alias != "" && strings.EqualFold(alias, term[0].text) {
			return expr
		}
	}
	return term
}

// named cuts "expr AS alias" and "expr alias".
func named(item []token) (expr []token, alias string) {
	n := len(item)
	if n >= 3 && item[n-2].is("as") && item[n-1].kind == word {
		return item[:n-2], item[n-1].text
	}
	if n >= 2 && item[n-1].kind == word && !isKeyword(item[n-1].text) {
		if p := item[n-2]; p.kind != symbol || p.is(")") {
			if p.kind != word || !isKeyword(p.text) || p.is("end") || p.is("null") {
				return item[:n-1], item[n-1].text
			}
		}
	}
	return item, ""
}

// grouping is what may stand outside of an aggregate.
type grouping struct{ terms, columns, aliases map[string]bool }

func (g *grouping) add(term []token) {
	g.terms[key(term)] = true
	if len(term) == 1 && term[0].kind == word {
		g.columns[strings.ToLower(term[0].text)] = true
	}
}

// holds says why expr is not made of grouped columns, other names and constants.
func (g *grouping) holds(expr []token) string {
	if g.terms[key(expr)] {
		return ""
	}
	if n := len(expr); n > 1 && (expr[n-1].is("desc") || expr[n-1].is("asc")) {
		return g.holds(expr[:n-1])
	}
	for i, t := range expr {
		name := strings.ToLower(t.text)
		if t.kind != word || isKeyword(name) || g.columns[name] || g.aliases[name] {
			continue
		}
		if i+1 < len(expr) && expr[i+1].is("(") {
			continue // a function; SQLite tells which
		}
		return t.text + " is not grouped by"
	}
	return ""
}

// key writes tokens in one way, to compare expressions.
func key(t []token) string {
	words := make([]string, len(t))
	for i, tok := range t {
		words[i] = tok.text
		if tok.kind == word {
			words[i] = strings.ToLower(tok.text)
		}
	}
	return strings.Join(words, " ")
}

// keywords that may stand in an expression.
var keywords = strings.Fields(`and as asc between by case cast current_date current_time current_timestamp desc
	else end escape false first glob in integer is isnull last like limit not notnull null nulls numeric offset
	or real text then true when blob int`)

func isKeyword(s string) bool { return slices.Contains(keywords, strings.ToLower(s)) }
