package term

// briefBytes is how much of one foreign text goes into a message, and
// longBytes how long a message gets that is made of several.
const (
	briefBytes = 500
	longBytes  = 2000
)

// Brief is Escape for a text of another host that becomes part of a message:
// cut after 500 bytes, between two characters.
func Brief(s string) string { return Escape(cut(s, briefBytes)) }

// Bound cuts a message after 2000 bytes, between two characters: it goes to
// the terminal, into the log and into published files.
func Bound(s string) string { return cut(s, longBytes) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for back := 0; back < 4 && s[most]&0xc0 == 0x80; back++ { // a byte inside of a character (RFC 3629)
		most--
	}
	return s[:most] + "..."
}
