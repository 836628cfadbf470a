package cloudwatch

import (
	"strings"
	"unicode/utf8"

	"tlskeeper/logship/accesslog"
)

// Message is raw as it may be sent: with of client addresses what the
// configuration lets leave, valid UTF-8, not longer than CloudWatch takes. It is
// empty for an empty line, which the service refuses. whole is false when bytes were
// left out.
func (c *Client) Message(raw []byte) (text string, whole bool) { return message(raw, c.clients) }

// message is raw as it may be sent: with of client addresses what clients
// keeps, valid UTF-8, not over maxMessage bytes. It is empty for an empty line,
// which the service cannot take. whole is false when bytes were left out.
func message(raw []byte, clients accesslog.Clients) (text string, whole bool) {
	// Bad UTF-8 would be replaced behind our back and counted after that
	// (moby/moby#37747), so a batch could be over its limit unseen.
	text = strings.ToValidUTF8(string(clients.ApplyLine(raw)), "\uFFFD")
	if len(text) <= maxMessage {
		return text, true
	}
	end := maxMessage
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], false
}
