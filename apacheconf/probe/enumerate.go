package probe

import (
	"cmp"
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
	found, ends := make([][]Code, len(offered)), make([]error, len(offered))
	for i, part := range offered {
		all.Go(func() { found[i], ends[i] = s.eliminate(ctx, name, code, part) })
	}
	all.Wait()
	for _, id := range slices.Concat(found...) {
		v.Suites = append(v.Suites, suiteByID(id))
	}
	v.Supported = len(v.Suites) > 0
	v.Answer = answerNo
	if v.Supported {
		v.Answer = answerYes
	}
	if i := slices.IndexFunc(ends, func(err error) bool { return !isNo(err) }); i >= 0 {
		s.leaveVersion(&v, ends[i])
	}
	return v
}

// leaveVersion notes that the version may have suites that were not found.
func (s *scanner) leaveVersion(v *Version, why error) {
	if v.Supported {
		s.leave(openSuites, v.Name, why)
		return
	}
	v.Answer = answerUnknown
	s.leave(openVersion, v.Name, why)
}

// eliminate offers suites, takes out the one that the server picked, and
// offers the rest, until it declines. The result is in the order picked; the
// error is what ended it, and satisfies isNo where there is no more.
func (s *scanner) eliminate(ctx context.Context, topic string, version uint16, suites []Code) ([]Code, error) {
	var picked []Code
	rest := slices.Clone(suites)
	for len(rest) > 0 {
		r, err := s.ask(ctx, topic, newHello(s.t, version, rest), false)
		if err != nil {
			return picked, err
		}
		picked = append(picked, r.suite)
		rest = without(rest, r.suite)
	}
	return picked, errDeclined
}

// order finds out who chooses among the suites, by offering them forwards and
// backwards, and puts them in the server's order if it is the server.
func (s *scanner) order(ctx context.Context, v *Version) {
	forward := ids(v.Suites)
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	topic := openOrder + v.Name
	a, err := s.ask(ctx, topic, newHello(s.t, uint16(v.Code), forward), false)
	b, err2 := s.ask(ctx, topic, newHello(s.t, uint16(v.Code), backward), false)
	if err := cmp.Or(err, err2); err != nil {
		s.leave(openOrder, v.Name, err)
		return
	}
	v.Order = "client"
	if a.suite != b.suite {
		return
	}
	picked, err := s.eliminate(ctx, topic, uint16(v.Code), forward)
	if len(picked) < len(forward) {
		v.Order = ""
		s.leave(openOrder, v.Name, err)
		return
	}
	v.Order = "server"
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
	return s.eliminateGroups(ctx, "TLSv1.3", h, false)
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
	return s.eliminateGroups(ctx, v.Name, h, true)
}

func (s *scanner) eliminateGroups(ctx context.Context, version string, h hello, flight bool) []Code {
	var picked []Code
	for len(h.groups) > 0 {
		r, err := s.ask(ctx, openGroups+version, h, flight)
		if err != nil && !isNo(err) {
			s.leave(openGroups, version, err)
		}
		if err != nil || r.group == 0 {
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
	r, err := s.ask(ctx, openDH, newHello(s.t, uint16(v.Code), dhe), true)
	if err != nil {
		s.leave(openDH, v.Name, err)
		return 0
	}
	return r.dhBits
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
