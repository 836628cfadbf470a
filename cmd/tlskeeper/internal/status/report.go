package status

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Report is what `tlskeeper status` says.
type Report struct {
	State *State `json:"state"` // nil: renewal never ran
	Agent *Agent `json:"agent"` // nil: no agent ever ran, or
	// AgentHidden: only root and the group that reads logs may look at it.
	AgentHidden bool      `json:"agent_hidden,omitempty"`
	Findings    []Finding `json:"findings"`
}

// Look reads both published files and judges them at now. wanted are the
// certificates that the configuration has, nil where it cannot be read: then
// nothing is said about what it has. A file that is not there is no error, and
// neither is an agent's that this user may not read.
func Look(acmeDir, logDir string, wanted []string, now time.Time) (Report, error) {
	r := Report{Findings: []Finding{}}
	state, err := Read(StatePath(acmeDir))
	if err == nil {
		r.State = &state
		if wanted != nil {
			state.dropTries(wanted)
		}
		r.Findings = append(r.Findings, state.Findings(now)...)
		r.strays(wanted)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	r.Findings = append(r.Findings, state.missing(wanted)...)
	return r.lookAtAgent(AgentPath(logDir), now)
}

func (r Report) lookAtAgent(path string, now time.Time) (Report, error) {
	agent, err := ReadAgent(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case errors.Is(err, fs.ErrPermission):
		r.AgentHidden = true
		return r, nil
	case err != nil:
		return r, err
	}
	r.Agent = &agent
	r.Findings = append(r.Findings, agent.Findings(now)...)
	return r, nil
}

// About tells whether there is a finding with this subject.
func (r Report) About(subject string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Subject == subject })
}

// dropTries takes out what was tried once, never issued, and is not wanted:
// there is nothing to watch.
func (s *State) dropTries(wanted []string) {
	s.Certificates = slices.DeleteFunc(s.Certificates, func(c Certificate) bool {
		return c.Generation == 0 && !slices.Contains(wanted, c.Name)
	})
}

// strays warns of the certificates that no run renews, because the
// configuration does not have them, and corrects the hints about them.
func (r *Report) strays(wanted []string) {
	for _, c := range r.State.Certificates {
		if wanted == nil || slices.Contains(wanted, c.Name) {
			continue
		}
		subject := "certificate " + c.Name
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Subject == subject && strings.HasPrefix(f.Hint, "tlskeeper renew") {
				f.Hint = c.Again()
			}
		}
		r.Findings = append(r.Findings, Finding{Warn, subject, "not in the configuration: nothing renews it",
			"add a [[certificate]] with name = \"" + c.Name + "\" to config.toml, or: tlskeeper certs delete " + c.Name})
	}
}

// Again is the command that issues a certificate once more that the
// configuration does not have; how to prove control is for the user to say.
func (c Certificate) Again() string {
	again := "tlskeeper issue --cert-name " + c.Name
	for _, name := range c.Names {
		again += " -d " + name
	}
	return again + " -w DIR"
}

// missing finds the certificates that are configured and that no run has
// published.
func (s State) missing(wanted []string) []Finding {
	var found []Finding
	for _, name := range wanted {
		if !slices.ContainsFunc(s.Certificates, func(c Certificate) bool { return c.Name == name }) {
			found = append(found, Finding{Fail, "certificate " + name, "configured, but never issued", "tlskeeper issue " + name})
		}
	}
	return found
}
