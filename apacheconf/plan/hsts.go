package plan

import (
	"fmt"
	"time"

	"tlskeeper/apacheconf/conf"
)

// hstsSeconds are the steps of the ramp. A browser remembers the header, so no
// rollback takes it back.
var hstsSeconds = map[string]int64{"": 0, "off": 0, "5m": 300, "1w": 604800, "6mo": 15768000, "2y": 63072000}

// hstsRank orders the steps; the last two are alternatives.
var hstsRank = map[string]int{"": 0, "off": 0, "5m": 1, "1w": 2, "6mo": 3, "2y": 3}

// hstsStep is what to send now on the way to what was asked for: one step up at
// a time, and the next one only when the present one has held for as long as it
// tells browsers to remember. Down goes at once. The time is when the next step
// may be taken, zero when the goal is reached.
func hstsStep(have string, since time.Time, want string, now time.Time) (string, time.Time) {
	held := since.Add(time.Duration(hstsSeconds[have]) * time.Second)
	step := have
	switch {
	case hstsRank[want] <= hstsRank[have]:
		return want, time.Time{}
	case now.Before(held):
		return have, held
	case hstsRank[have] == 0:
		step = "5m"
	case hstsRank[have] == 1:
		step = "1w"
	default:
		step = want
	}
	if step == want {
		return step, time.Time{}
	}
	return step, now.Add(time.Duration(hstsSeconds[step]) * time.Second)
}

// hsts sets the step of the ramp in the planned state.
func (p *planner) hsts() {
	step, next := hstsStep(p.was.HSTS, p.was.HSTSSince, p.c.HSTS, time.Now())
	p.is.HSTS = step
	if step != p.was.HSTS {
		p.is.HSTSSince = time.Now().UTC().Truncate(time.Second)
	}
	if !next.IsZero() {
		p.warn(conf.Finding{Code: "hsts-ramp", File: GlobalPath(p.s), Fix: "tlskeeper apache apply",
			What: fmt.Sprintf("hsts %s was asked for; browsers are told %s now, and the next step may be taken at %s", p.c.HSTS, step, next.UTC().Format(time.RFC3339))})
	}
	if hstsRank[step] < hstsRank[p.was.HSTS] {
		p.warn(conf.Finding{Code: "hsts-kept", File: GlobalPath(p.s),
			What: "browsers that were told " + p.was.HSTS + " keep to it for so long; the sites must stay reachable by TLS"})
	}
}
