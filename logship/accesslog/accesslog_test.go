package accesslog

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sample = `[18/Jul/2016:06:25:10 +0200],192.0.2.7,HTTP/2.0,www.example.org,TLSv1.2,ECDHE-ECDSA-AES256-GCM-SHA384,"Mozilla/5.0 (X11; Linux x86_64) \"odd\", \\ and \ttab"`

func TestParseReadsEveryField(t *testing.T) {
	got, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2016, 7, 18, 4, 25, 10, 0, time.UTC); !got.Time.Equal(want) {
		t.Errorf("time %v, want %v", got.Time, want)
	}
	if _, zone := got.Time.Zone(); zone != 7200 {
		t.Errorf("zone %d, want 7200", zone)
	}
	got.Time = time.Time{}
	want := Entry{
		Client: "192.0.2.7", HTTP: "HTTP/2.0", VHost: "www.example.org", Protocol: "TLSv1.2",
		Cipher:    "ECDHE-ECDSA-AES256-GCM-SHA384",
		UserAgent: `Mozilla/5.0 (X11; Linux x86_64) \"odd\", \\ and \ttab`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRoundTrip holds the lines httpd writes in odd moments: empty fields, no
// header, a negative zone, IPv6.
func TestRoundTrip(t *testing.T) {
	lines := []string{
		sample,
		`[01/Jan/1970:00:00:00 +0000],,,,,,""`,
		`[29/Feb/2024:23:59:59 -0330],2001:db8::1,HTTP/1.1,a.example,TLSv1.3,TLS_AES_256_GCM_SHA384,"-"`,
		`[31/Dec/2026:00:00:00 +1400],-,-,-,-,-,"-"`,
		`[31/Dec/2026:00:00:00 +0545],host.example,HTTP/0.9,x,-,-,"\x1b[31m\\"`,
	}
	for _, line := range lines {
		e, err := Parse([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := string(e.Append(nil)); got != line {
			t.Errorf("got  %s\nwant %s", got, line)
		}
	}
}

func TestParseRefusesWhatItCouldNotGiveBack(t *testing.T) {
	const rest = `,192.0.2.7,HTTP/1.1,www.example.org,TLSv1.2,X,"agent"`
	lines := map[string]string{
		"empty":             "",
		"no agent":          `[18/Jul/2016:06:25:10 +0200],a,b,c,d,e`,
		"bare agent":        `[18/Jul/2016:06:25:10 +0200],a,b,c,d,e,agent`,
		"half line":         sample[:90],
		"lost last quote":   sample[:len(sample)-1],
		"escaped last":      `[18/Jul/2016:06:25:10 +0200],a,b,c,d,e,"agent\"`,
		"quote inside":      `[18/Jul/2016:06:25:10 +0200],a,b,c,d,e,"a"b"`,
		"comma in a field":  `[18/Jul/2016:06:25:10 +0200],a,a,b,c,d,e,"agent"`,
		"nul":               "\x00" + sample[1:],
		"nul in agent":      `[18/Jul/2016:06:25:10 +0200],a,b,c,d,e,"a` + "\x00" + `"`,
		"utf-8":             `[18/Jul/2016:06:25:10 +0200],a,b,c,d,e,"é"`,
		"carriage return":   sample + "\r",
		"minus zero zone":   `[18/Jul/2016:06:25:10 -0000]` + rest,
		"31 February":       `[31/Feb/2016:06:25:10 +0000]` + rest,
		"leap second":       `[31/Dec/2016:23:59:60 +0000]` + rest,
		"local month":       `[18/Mai/2016:06:25:10 +0000]` + rest,
		"before 1970":       `[01/Jan/1970:00:00:00 +0100]` + rest,
		"zone out of range": `[18/Jul/2016:06:25:10 +0260]` + rest,
		"signed day":        `[+8/Jul/2016:06:25:10 +0200]` + rest,
	}
	for name, line := range lines {
		if e, err := Parse([]byte(line)); err == nil {
			t.Errorf("%s: accepted as %+v", name, e)
		}
	}
}

// TestParserForgetsNothingBetweenSeconds makes sure that the remembered second
// is not given to the next line, nor spoiled by a refused one.
func TestParserForgetsNothingBetweenSeconds(t *testing.T) {
	var p Parser
	for _, stamp := range []string{"10", "10", "11", "6x", "11", "10"} {
		line := bytes.Replace([]byte(sample), []byte(":10 "), []byte(":"+stamp+" "), 1)
		got, err := p.Scan(line)
		want, wantErr := Parse(line)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("second %s: %v, alone %v", stamp, err, wantErr)
		}
		if err == nil && got.Unix != want.Time.Unix() {
			t.Errorf("second %s: %d, want %d", stamp, got.Unix, want.Time.Unix())
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`plain`:            "plain",
		`a \"q\" \\ b`:     `a "q" \ b`,
		`\t\n\r\b\v`:       "\t\n\r\b\v",
		`\x1b[0m\xc3\xA9`:  "\x1b[0m\xc3\xa9",
		`\q \x1 \xzz end\`: `\q \x1 \xzz end\`,
	} {
		if got := Unescape(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`[01/Jan/1970:00:00:00 +0000],,,,,,""`))
	f.Add([]byte(`[18/Jul/2016:06:25:10 -0000],a,b,c,d,e,"a\"`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := Parse(line)
		if err != nil {
			return
		}
		if got := e.Append(nil); !bytes.Equal(got, line) {
			t.Fatalf("got  %q\nfrom %q", got, line)
		}
		again, err := Parse(e.Append(nil))
		if err != nil || !again.Time.Equal(e.Time) {
			t.Fatalf("the same line again: %v, %v", again, err)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	line := []byte(sample)
	var p Parser
	b.SetBytes(int64(len(line) + 1))
	for b.Loop() {
		if _, err := p.Scan(line); err != nil {
			b.Fatal(err)
		}
	}
}
