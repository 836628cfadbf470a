package probe

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestScanOfAServerThatIsSilentAboutOneVersion(t *testing.T) {
	handle, roots := oldAndNew(t)
	target := listen(t, func(conn net.Conn) {
		head := make([]byte, 11) // up to the version in the ClientHello
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		if head[10] == 1 { // TLS 1.0
			silent(conn)
			return
		}
		handle(rewound{conn, io.MultiReader(strings.NewReader(string(head)), conn)})
	})
	target.Roots, target.Pace = roots, Pace{Timeout: 300 * time.Millisecond, Pause: time.Millisecond, Limit: 20 * time.Second}
	r := scan(t, target)
	if r.Grade.Letter != answerUnknown || len(r.Unknown) != 1 || r.Unknown[0].ID != openVersion || r.Unknown[0].What != "TLSv1" {
		t.Errorf("grade %s, unknown %+v", r.Grade.Letter, r.Unknown)
	}
	if v := r.Versions[1]; v.Answer != answerUnknown || v.Supported {
		t.Errorf("TLSv1 is %+v", v)
	}
	if got := supported(r); !slices.Equal(got, []string{"TLSv1.1", "TLSv1.2", "TLSv1.3"}) {
		t.Errorf("versions %v", got)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"grade        none", "refused      SSLv3\n", "unknown      TLSv1\n", "whether TLSv1 is supported", "--slow"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

type rewound struct {
	net.Conn
	r io.Reader
}

func (r rewound) Read(p []byte) (int, error) { return r.r.Read(p) }

func TestTextOfAScanThatLearntNothing(t *testing.T) {
	handle, _ := oldAndNew(t)
	var n atomic.Int64
	target := listen(t, func(conn net.Conn) {
		if n.Add(1) > 1 {
			silent(conn)
			return
		}
		handle(conn)
	})
	target.Pace = hasty
	var text strings.Builder
	if err := scan(t, target).WriteText(&text); err != nil {
		t.Fatal(err)
	}
	seen, _, _ := strings.Cut(text.String(), "not known") // what follows says why
	for _, no := range []string{" no\n", " no,", "none\n", "no answer", " -", "refused"} {
		if strings.Contains(seen, no) {
			t.Errorf("%q in\n%s", no, text.String())
		}
	}
}
