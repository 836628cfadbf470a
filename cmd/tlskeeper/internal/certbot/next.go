package certbot

import "os"

// timers are what runs `certbot renew`, by the way it was installed, and the
// line that stops it. Debian's cron job does nothing where systemd runs.
var timers = []struct{ file, line string }{
	{"/etc/systemd/system/snap.certbot.renew.timer", "systemctl disable --now snap.certbot.renew.timer"},
	{"/lib/systemd/system/certbot.timer", "systemctl disable --now certbot.timer"},
	{"/usr/lib/systemd/system/certbot-renew.timer", "systemctl disable --now certbot-renew.timer"},
	{"/etc/cron.d/certbot", "rm /etc/cron.d/certbot"},
}

// next says how to go on. certbot is left as it is until its successor has
// been seen at work.
func (p *Plan) next() {
	for _, name := range p.Certificates {
		p.Next = append(p.Next, "tlskeeper apache adopt "+name)
	}
	if len(p.Certificates) == 0 {
		p.Next = []string{}
		return
	}
	p.Next = append(p.Next, "tlskeeper renew --dry-run", stopLine())
}

func stopLine() string {
	for _, t := range timers {
		if _, err := os.Stat(t.file); err == nil {
			return t.line
		}
	}
	return "systemctl disable --now certbot.timer"
}
