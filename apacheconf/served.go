package apacheconf

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/probe"
	"tlskeeper/internal/hint"
	"tlskeeper/internal/leaf"
)

// probeTimeout bounds one handshake with the local server.
const probeTimeout = 10 * time.Second

// Deployed is a certificate that virtual hosts are to serve.
type Deployed struct {
	Name string // of the certificate
	Dir  string // its generation
	Leaf *x509.Certificate
}

// NotServed looks at the running server for each of these, and says what is
// wrong with those that are not served, by name. Where all of them were shown a
// while ago and the server has read no configuration since, it asks for one.
func NotServed(ctx context.Context, cfg Config, certificates []Deployed) (map[string]error, error) {
	if stillServed(ctx, cfg, certificates) {
		return nil, nil
	}
	server, err := Survey(ctx, cfg)
	if err == nil {
		err = server.Running()
	}
	if err != nil {
		return nil, err
	}
	moment, ok := server.Look() // before the first handshake: what comes after it counts as a change
	shown, why := askAll(ctx, server, certificates)
	if ok && len(why) == 0 {
		remember(cfg, looked{At: time.Now(), Look: moment, Shown: shown})
	}
	return why, nil
}

// askParallel bounds the handshakes at once: each costs the server a signature.
const askParallel = 16

// askAll says of each certificate where it is shown, and of those that are not
// served what is wrong.
func askAll(ctx context.Context, server *Server, generations []Deployed) (map[string]answer, map[string]error) {
	places, faults := make([][]place, len(generations)), make([]error, len(generations))
	var group errgroup.Group
	group.SetLimit(askParallel)
	for i, g := range generations {
		group.Go(func() error {
			places[i], faults[i] = servedBy(ctx, server, g)
			return nil
		})
	}
	group.Wait()
	shown, why := map[string]answer{}, map[string]error{}
	for i, g := range generations {
		shown[g.Name] = answer{Generation: g.Dir, Places: places[i]}
		if faults[i] != nil {
			why[g.Name] = faults[i]
		}
	}
	return shown, why
}

// servedBy returns no error when every TLS virtual host that the certificate is
// valid for includes our lines, and shows this very leaf to the clients that
// can choose its signature family; and where it asked.
func servedBy(ctx context.Context, server *Server, g Deployed) ([]place, error) {
	var asked []place
	var faults []error
	found, other := false, ""
	for _, v := range server.VHosts {
		switch {
		case !v.TLS || len(v.Names) == 0:
		case g.Leaf.VerifyHostname(v.Names[0]) != nil:
			places := foreign(server, v, g.Leaf)
			asked, faults = append(asked, places...), append(faults, takenBy(v, shown(ctx, places, g.Leaf)))
		case v.Include != "" && v.Include != g.Name: // two of ours are valid for it
			other = v.Include
		default:
			found = true
			places, fault := servedOn(ctx, server, v, g)
			asked, faults = append(asked, places...), append(faults, fault)
		}
	}
	switch adopt := "tlskeeper apache adopt " + g.Name; {
	case found:
		return asked, errors.Join(faults...)
	case other != "":
		return nil, hint.Wrap(fmt.Errorf("the virtual hosts that it is valid for serve certificate %s", other), "leave it out of the configuration, or: "+adopt+" --instead")
	default:
		return nil, hint.Wrap(errors.New("no TLS virtual host of Apache has one of its names as ServerName"), "write one, then: "+adopt)
	}
}

// servedOn asks one virtual host that the certificate is for.
func servedOn(ctx context.Context, server *Server, v conf.VHost, g Deployed) ([]place, error) {
	if v.Include == "" {
		return nil, hint.Wrap(fmt.Errorf("virtual host %s (%s:%d) does not serve it", v.Name(), v.File, v.Line), "tlskeeper apache adopt "+g.Name)
	}
	places := placesOf(server, v, g.Leaf)
	if len(places) == 0 {
		return nil, fmt.Errorf("virtual host %s (%s:%d): no Listen reaches it", v.Name(), v.File, v.Line)
	}
	return places, shown(ctx, places, g.Leaf)
}

// foreign lists where a virtual host that the certificate is not for answers to
// one of its names all the same, as an alias. What only a wildcard covers may
// well have a certificate of its own.
func foreign(server *Server, v conf.VHost, leaf *x509.Certificate) []place {
	var out []place
	for _, p := range placesOf(server, v, leaf) {
		if slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, p.Name) }) {
			out = append(out, p)
		}
	}
	return out
}

func takenBy(v conf.VHost, fault error) error {
	if fault == nil {
		return nil
	}
	return hint.Wrap(fmt.Errorf("virtual host %s (%s:%d) has one of its names as an alias: %w", v.Name(), v.File, v.Line, fault),
		"take the name out of that virtual host, or out of the certificate")
}

// placesOf lists each address of v with each of its names that the leaf is valid
// for: an earlier virtual host may answer to an alias of v.
func placesOf(server *Server, v conf.VHost, leaf *x509.Certificate) []place {
	var out []place
	for _, address := range server.LiveAddrs(v) {
		for _, name := range v.Names {
			if leaf.VerifyHostname(name) == nil {
				out = append(out, place{Address: address, Name: name})
			}
		}
	}
	return out
}

// shown asks all these places for a leaf.
func shown(ctx context.Context, places []place, want *x509.Certificate) error {
	var faults []error
	for _, p := range places {
		faults = append(faults, shownAt(ctx, probe.Target{Addr: p.Address, SNI: p.Name}, want))
	}
	return errors.Join(faults...)
}

func shownAt(ctx context.Context, target probe.Target, want *x509.Certificate) error {
	got, err := handshake(ctx, target, leaf.Family(want))
	if err != nil {
		return fmt.Errorf("asking %s for %s: %w", target.Addr, target.SNI, err)
	}
	if !got.Equal(want) {
		return fmt.Errorf("%s shows serial %x for %s, not %x", target.Addr, got.SerialNumber, target.SNI, want.SerialNumber)
	}
	return nil
}

func handshake(ctx context.Context, target probe.Target, family string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cert, _, err := probe.Leaf(ctx, target, family)
	return cert, err
}
