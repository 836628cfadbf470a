package apacheconf

import (
	"tlskeeper/apacheconf/check"
	"tlskeeper/apacheconf/conf"
	"tlskeeper/apacheconf/httpd"
	"tlskeeper/apacheconf/plan"
)

// What callers meet by the name of this package: it is the only one of the
// tree that they import, besides the probe.
type (
	// Config says which Apache, and where our own files live.
	Config = httpd.Config
	// Look tells the running Apache of one moment from every later one that may
	// serve something else.
	Look = httpd.Look
	// NotInstalledError says that no httpd was found.
	NotInstalledError = httpd.NotInstalledError

	// Finding is one thing to know about a configuration, with its place.
	Finding = conf.Finding
	// RefusedError says why nothing was touched.
	RefusedError = conf.RefusedError
	// Fault is what a Finding.Code stands for.
	Fault = check.Fault

	// Change is what shall be different.
	Change = plan.Change
	// NewVHost asks for a TLS virtual host where the admin has none.
	NewVHost = plan.NewVHost
	// Undo says how far an undoing may go.
	Undo = plan.Undo
	// Plan is a change worked out and not yet made.
	Plan = plan.Plan
	// CostLine is what the history says about one protocol and cipher.
	CostLine = plan.CostLine
	// Cost is an upper bound of what a profile takes from clients that were seen.
	Cost = plan.Cost
)

// ActiveGenerations tells which generation directory each of our site includes
// names. Pruning spares these. A missing directory is an empty answer.
func ActiveGenerations(etcDir string) (map[string]string, error) {
	return plan.ActiveGenerations(etcDir)
}

// CostOf decides which lines of the history profile removes. Plain HTTP in a
// log that was not ours alone negotiated nothing, and loses nothing.
func CostOf(profile string, history []CostLine) (Cost, error) { return plan.CostOf(profile, history) }

// Faults are all that a finding can be about, by code.
func Faults() []Fault { return check.Faults() }
