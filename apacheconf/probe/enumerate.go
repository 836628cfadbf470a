package probe

import (
	"context"
	"crypto/tls"
	"slices"
	"sync"
)

// bucket is how many suites one ClientHello offers: some old stacks hang on
// more than 128, and buckets are tried in parallel.
const bucket = 64

// versionOf finds the suites that the server accepts with a version.
func (s *scanner) versionOf(ctx context.Context, code uint16, name string) Version {
	v := Version{Name: name, Code: Code(code)}
	var all sync.WaitGroup
	offered := slices.Collect(slices.Chunk(suiteCodes(code == tls.VersionTLS13), bucket))
	found := make([][]Code, len(offered))
	for i, part := range offered {
		all.Go(func() { found[i] = s.eliminate(ctx, code, part) })
	}
	all.Wait()
	for _, id := range slices.Concat(found...) {
		v.Suites = append(v.Suites, suiteByID(id))
	}
	v.Supported = len(v.Suites) > 0
	return v
}

// eliminate offers suites, takes out the one that the server picked, and
// offers the rest, until it declines. The result is in the order picked.
func (s *scanner) eliminate(ctx context.Context, version uint16, suites []Code) []Code {
	var picked []Code
	rest := slices.Clone(suites)
	for len(rest) > 0 {
		r := s.ask(ctx, newHello(s.t, version, rest), false)
		if r == nil {
			break
		}
		picked = append(picked, r.suite)
		rest = without(rest, r.suite)
	}
	return picked
}

// order finds out who chooses among the suites, by offering them forwards and
// backwards, and puts them in the server's order if it is the server.
func (s *scanner) order(ctx context.Context, v *Version) {
	forward := ids(v.Suites)
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	a := s.ask(ctx, newHello(s.t, uint16(v.Code), forward), false)
	b := s.ask(ctx, newHello(s.t, uint16(v.Code), backward), false)
	if a == nil || b == nil {
		return
	}
	v.Order = "client"
	if a.suite != b.suite {
		return
	}
	v.Order = "server"
	picked := s.eliminate(ctx, uint16(v.Code), forward)
	slices.SortStableFunc(v.Suites, func(x, y Suite) int {
		return rank(picked, x.ID) - rank(picked, y.ID)
	})
}

// rank is the place of id in list; what is not in it comes last.
func rank(list []Code, id Code) int {
	if i := slices.Index(list, id); i >= 0 {
		return i
	}
	return len(list)
}

// groups13 finds the groups of TLS 1.3. A ClientHello without a key share is
// answered by a HelloRetryRequest that names the group the server wants, which
// works for groups that nobody here could compute.
func (s *scanner) groups13(ctx context.Context) []Code {
	h := newHello(s.t, tls.VersionTLS13, suiteCodes(true))
	return s.eliminateGroups(ctx, h, false)
}

// groups12 finds the curves of the newest version before TLS 1.3. The curve of
// the certificate is offered last: without it an ECDSA certificate is of no
// use, and the rest could not be seen.
func (s *scanner) groups12(ctx context.Context, v Version, suites []Code) []Code {
	if v.Code == versionSSL30 {
		return nil
	}
	ecdhe := slices.DeleteFunc(slices.Clone(suites), func(id Code) bool { return suiteByID(id).KeyExchange != "ECDHE" })
	if len(ecdhe) == 0 {
		return nil
	}
	h := newHello(s.t, uint16(v.Code), ecdhe)
	for _, curve := range []Code{23, 25, 24} {
		h.groups = append(without(h.groups, curve), curve)
	}
	return s.eliminateGroups(ctx, h, true)
}

func (s *scanner) eliminateGroups(ctx context.Context, h hello, flight bool) []Code {
	var picked []Code
	for len(h.groups) > 0 {
		r := s.ask(ctx, h, flight)
		if r == nil || r.group == 0 {
			break
		}
		picked = append(picked, r.group)
		h.groups = without(h.groups, r.group)
	}
	return picked
}

// dhBits is the size of the prime that the server uses for DHE.
func (s *scanner) dhBits(ctx context.Context, v Version) int {
	var dhe []Code
	for _, suite := range v.Suites {
		if suite.KeyExchange == "DHE" {
			dhe = append(dhe, suite.ID)
		}
	}
	if len(dhe) == 0 {
		return 0
	}
	if r := s.ask(ctx, newHello(s.t, uint16(v.Code), dhe), true); r != nil {
		return r.dhBits
	}
	return 0
}

// addGroups adds the groups of TLS 1.3 or of the versions before.
func (r *Report) addGroups(codes []Code, tls13 bool) {
	for _, code := range codes {
		i := slices.IndexFunc(r.Groups, func(g Group) bool { return g.Code == code })
		if i < 0 {
			info := groupByCode(code)
			pq := info.kind == "hybrid" || info.kind == "mlkem"
			r.Groups = append(r.Groups, Group{Code: code, Name: info.name, Bits: info.bits, PQ: pq})
			i = len(r.Groups) - 1
		}
		r.Groups[i].TLS13 = r.Groups[i].TLS13 || tls13
		r.Groups[i].TLS12 = r.Groups[i].TLS12 || !tls13
	}
}

func ids(suites []Suite) []Code {
	var codes []Code
	for _, s := range suites {
		codes = append(codes, s.ID)
	}
	return codes
}

func without(list []Code, code Code) []Code {
	return slices.DeleteFunc(slices.Clone(list), func(c Code) bool { return c == code })
}
