package accesslog

import "time"

// stampLen is the length of %t, brackets included.
const stampLen = len(stampLayout)

// months are the names that httpd writes in every locale (apr_month_snames).
const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// readStamp parses b, stampLen bytes of %t, into p.
func (p *Parser) readStamp(b []byte) error {
	if b[0] != '[' || b[3] != '/' || b[7] != '/' || b[12] != ':' || b[15] != ':' ||
		b[18] != ':' || b[21] != ' ' || b[27] != ']' {
		return errStamp
	}
	month := monthOf(b[4:7])
	zone, ok := zoneOf(b[22:27])
	day, hour, minute, second := digits(b[1:3]), digits(b[13:15]), digits(b[16:18]), digits(b[19:21])
	year := digits(b[8:12])
	if month == 0 || !ok || day < 0 || hour < 0 || minute < 0 || second < 0 || year < 0 {
		return errStamp
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	// time.Date turns 31 February and second 60 into another moment, which
	// would be written differently: such a line is kept raw instead.
	if t.Day() != day || t.Hour() != hour || t.Minute() != minute || t.Second() != second {
		return errStamp
	}
	unix := t.Unix() - int64(zone)
	if unix < 0 {
		return errStamp // a clock before 1970; CloudWatch refuses it, too
	}
	p.unix, p.zone = unix, zone
	copy(p.stamp[:], b)
	return nil
}

// monthOf returns 1 to 12, or 0.
func monthOf(b []byte) int {
	for m := range 12 {
		if months[3*m] == b[0] && months[3*m+1] == b[1] && months[3*m+2] == b[2] {
			return m + 1
		}
	}
	return 0
}

// zoneOf reads +hhmm as seconds east of UTC. httpd writes UTC as +0000, so
// -0000 would not be written back as it came.
func zoneOf(b []byte) (int, bool) {
	hours, minutes := digits(b[1:3]), digits(b[3:5])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	seconds := hours*3600 + minutes*60
	switch {
	case b[0] == '+':
		return seconds, true
	case b[0] == '-' && seconds > 0:
		return -seconds, true
	}
	return 0, false
}

// digits reads decimal digits, or returns -1.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
