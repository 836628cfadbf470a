package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tlskeeper/apacheconf"
	"tlskeeper/internal/term"

	"tlskeeper/cmd/tlskeeper/internal/cmdline"
)

// apacheAnswer is what plan, apply, adopt and vhost answer, as JSON or text.
type apacheAnswer struct {
	Server   *apacheconf.Server   `json:"server"`
	Files    []string             `json:"files"` // that would change
	Diff     string               `json:"diff"`
	Warnings []apacheconf.Finding `json:"warnings"`
	Blocked  []apacheconf.Finding `json:"blocked"`
	Missing  []apacheconf.Finding `json:"missing"`
	Restart  bool                 `json:"restart"`
	Cost     *apacheconf.Cost     `json:"cost,omitempty"`
	Result   *apacheconf.Result   `json:"result,omitempty"`
}

func newApacheAnswer(r *apacheRun) apacheAnswer {
	none := []apacheconf.Finding{}
	a := apacheAnswer{Server: r.server, Files: []string{}, Diff: r.plan.Diff(), Restart: r.plan.Restart,
		Warnings: append(none, r.plan.Warnings...), Blocked: append(none, r.plan.Blocked...), Missing: append(none, r.plan.Missing...)}
	for _, f := range r.plan.Files {
		if !f.Internal {
			a.Files = append(a.Files, f.Path)
		}
	}
	return a
}

func (a apacheAnswer) write(w io.Writer) {
	s := a.Server
	tls := 0
	for _, v := range s.VHosts {
		if v.TLS {
			tls++
		}
	}
	fmt.Fprintf(w, "Apache %s, OpenSSL %s, layout %s (%s): virtual hosts: %d, with TLS: %d\n",
		s.Version, orDash(s.OpenSSL), s.Layout, term.Escape(s.ConfigFile), len(s.VHosts), tls)
	if a.Diff == "" {
		fmt.Fprintln(w, "nothing to change")
	}
	fmt.Fprint(w, a.Diff)
	writeFindings(w, "blocked", a.Blocked)
	writeFindings(w, "warning", a.Warnings)
	writeFindings(w, "not served", a.Missing)
	if a.Restart {
		fmt.Fprintln(w, "this needs stop and start: --allow-restart")
	}
	if a.Cost != nil {
		writeCost(w, a.Cost)
	}
}

func writeFindings(w io.Writer, word string, findings []apacheconf.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s: %s\n", word, term.Escape(f.String()))
		if f.Fix != "" {
			fmt.Fprintf(w, "    %s\n", strings.ReplaceAll(cmdline.EscapeLines(strings.TrimSpace(f.Fix)), "\n", "\n    "))
		}
	}
}

func writeCost(w io.Writer, c *apacheconf.Cost) {
	fmt.Fprintln(w, c)
	for _, l := range c.Removed {
		fmt.Fprintf(w, "    %s %s: requests: %d, clients: %d\n", term.Escape(l.Protocol), term.Escape(l.Cipher), l.Requests, l.Clients)
		for _, agent := range l.UserAgents {
			fmt.Fprintf(w, "        %s\n", term.Escape(agent))
		}
	}
}

func writeResult(w io.Writer, r *apacheconf.Result) {
	if r.Healed {
		fmt.Fprintln(w, "a change that had been cut off was undone first")
	}
	if !r.Changed {
		fmt.Fprintln(w, "nothing to do: all that is ours is in place")
		return
	}
	how := "reloaded"
	if r.Restarted {
		how = "stopped and started"
	}
	if len(r.Files) == 0 {
		fmt.Fprintf(w, "done: no file changed, Apache %s with what was there, handshakes that showed it: %d\n", how, r.Proved)
		return
	}
	fmt.Fprintf(w, "done: files changed: %d, Apache %s, handshakes that showed what was planned: %d\n", len(r.Files), how, r.Proved)
}

func writeApacheStatus(w io.Writer, r *apacheconf.StatusReport) {
	running := "not running"
	if r.Running {
		running = fmt.Sprintf("running as process %d", r.PID)
	}
	fmt.Fprintf(w, "Apache %s, OpenSSL %s: %s\n", r.Server.Version, orDash(r.Server.OpenSSL), running)
	switch {
	case !r.Installed:
		fmt.Fprintln(w, "installed: nothing")
	case r.LogOnly:
		fmt.Fprintln(w, "installed: the TLS log alone")
	default:
		fmt.Fprintf(w, "installed: profile %s, hsts %s\n", orDash(r.Profile), orDash(r.HSTS))
	}
	for _, s := range r.Sites {
		fmt.Fprintf(w, "certificate %s: %s, until %s, served by: %s\n", term.Escape(s.Name), term.Escape(s.Dir),
			s.NotAfter.UTC().Format(time.DateOnly), orDash(term.Escape(strings.Join(s.VHosts, ", "))))
	}
	if r.CutOff {
		fmt.Fprintln(w, "an apply was cut off; the next apply or rollback undoes it")
	}
	writeFindings(w, "drift", r.Drift)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
