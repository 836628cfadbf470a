package status

import (
	"errors"
	"io/fs"
	"slices"
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
// certificates that should exist. A file that is not there is no error, and
// neither is an agent's that this user may not read.
func Look(acmeDir, logDir string, wanted []string, now time.Time) (Report, error) {
	r := Report{Findings: []Finding{}}
	state, err := Read(StatePath(acmeDir))
	if err == nil {
		r.State = &state
		r.Findings = append(r.Findings, state.Findings(now)...)
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
